"""The peers' side of the SHAP benchmark, a process a run.

peer.py train ARRAYS FOLDER TREES LEAVES ROWS      LightGBM's model, its trees as JSON, and the rows to explain
peer.py lightgbm|xgboost FOLDER THREADS ROWS       SHAP values of ROWS rows (pred_contrib)
peer.py xgboost-pairs FOLDER THREADS ROWS          interaction values (pred_interactions)

The clock runs over the explanation alone, on arrays in memory. XGBoost explains trees of its own, grown on the same rows
to the same number of leaves. Prints one JSON line.
"""
import json
import sys
import time

import numpy as np

command, *arguments = sys.argv[1:]
TRAINING_ROWS = 200_000


def train(arrays, folder, trees, leaves, rows):
    import lightgbm as lgb
    import xgboost as xgb

    data = np.load(arrays)
    x, y = data["x"], (data["y"] > 0).astype(np.int64)
    kept, label = x[:TRAINING_ROWS], y[:TRAINING_ROWS]
    options = dict(objective="binary", num_leaves=int(leaves), learning_rate=0.1, lambda_l2=1, verbose=-1)
    model = lgb.train(options, lgb.Dataset(kept, label), int(trees))
    model.save_model(f"{folder}/lightgbm.txt")
    with open(f"{folder}/lightgbm.json", "w") as file:
        json.dump(model.dump_model()["tree_info"], file)
    options = dict(
        objective="binary:logistic", tree_method="hist", grow_policy="lossguide", max_depth=0, max_leaves=int(leaves),
        eta=0.1, reg_lambda=1, min_child_weight=1, max_bin=256,
    )
    xgb.train(options, xgb.DMatrix(kept, label), int(trees)).save_model(f"{folder}/xgboost.json")
    shown = x[TRAINING_ROWS:TRAINING_ROWS + int(rows)]
    shown.tofile(f"{folder}/rows.f32")
    return {"features": x.shape[1], "lightgbm": lgb.__version__, "xgboost": xgb.__version__}


def rows_of(folder, rows):
    return np.fromfile(f"{folder}/rows.f32", dtype=np.float32).reshape(-1, 28)[:int(rows)]


def lightgbm(folder, threads, rows):
    import lightgbm as lgb

    model, x = lgb.Booster(model_file=f"{folder}/lightgbm.txt"), rows_of(folder, rows)
    cpu, start = time.process_time(), time.perf_counter()
    values = model.predict(x, pred_contrib=True, num_threads=int(threads))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    values.tofile(f"{folder}/lightgbm.f64")
    return {"peer": f"LightGBM {lgb.__version__}", "seconds": seconds, "cpuSeconds": cpu}


def xgboost(folder, threads, rows, **options):
    import xgboost as xgb

    model, x = xgb.Booster(model_file=f"{folder}/xgboost.json"), rows_of(folder, rows)
    model.set_param({"nthread": int(threads)})
    matrix = xgb.DMatrix(x, nthread=int(threads))
    cpu, start = time.process_time(), time.perf_counter()
    model.predict(matrix, **(options or {"pred_contribs": True}))
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"peer": f"XGBoost {xgb.__version__}", "seconds": seconds, "cpuSeconds": cpu}


commands = {
    "train": train, "lightgbm": lightgbm, "xgboost": xgboost,
    "xgboost-pairs": lambda *rest: xgboost(*rest, pred_interactions=True),
}
print(json.dumps(commands[command](*arguments)))
