"""The peers' side of the tree benchmark, a process a run: boosted trees on arrays in memory.

peer.py lightgbm|lightgbm-quantized|xgboost|scikit-learn ARRAYS THREADS ROUNDS LEAVES

The clock runs over binning and training. Same leaves, rounds, rate, bins and penalty; XGBoost grows by loss guide, as
the others do. Prints one JSON line; the loss is that of the training rows, computed the same way for all.
"""
import json
import os
import resource
import sys
import time

import numpy as np

peer, path, threads, rounds, leaves = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
arrays = np.load(path)
x, y = arrays["x"], (arrays["y"] > 0).astype(np.int64)


def lightgbm(quantized):
    import lightgbm as lgb

    options = dict(
        objective="binary", num_leaves=leaves, learning_rate=0.1, lambda_l2=1, min_data_in_leaf=20, max_bin=255,
        num_threads=threads, verbose=-1, use_quantized_grad=quantized, quant_train_renew_leaf=quantized,
    )

    def fit():
        data = lgb.Dataset(x, y, params=options).construct()
        binned = time.perf_counter()
        return lgb.train(options, data, rounds), binned

    return f"LightGBM {lgb.__version__}", fit, lambda model: model.predict(x, num_threads=threads)


def xgboost():
    import xgboost as xgb

    options = dict(
        objective="binary:logistic", tree_method="hist", grow_policy="lossguide", max_depth=0, max_leaves=leaves,
        eta=0.1, reg_lambda=1, min_child_weight=1, max_bin=256, nthread=threads,
    )

    def fit():
        data = xgb.QuantileDMatrix(x, y, max_bin=256, nthread=threads)
        binned = time.perf_counter()
        return xgb.train(options, data, rounds), binned

    return f"XGBoost {xgb.__version__}", fit, lambda model: model.predict(xgb.DMatrix(x, nthread=threads))


def scikit_learn():
    import sklearn
    from sklearn.ensemble import HistGradientBoostingClassifier

    def fit():
        model = HistGradientBoostingClassifier(
            max_iter=rounds, max_leaf_nodes=leaves, learning_rate=0.1, l2_regularization=1, min_samples_leaf=20,
            early_stopping=False,
        )
        return model.fit(x, y), time.perf_counter()

    return f"scikit-learn {sklearn.__version__}", fit, lambda model: model.predict_proba(x)[:, 1]


os.environ["OMP_NUM_THREADS"] = str(threads)
version, fit, predict = {
    "lightgbm": lambda: lightgbm(False), "lightgbm-quantized": lambda: lightgbm(True), "xgboost": xgboost,
    "scikit-learn": scikit_learn,
}[peer]()
cpu, start = time.process_time(), time.perf_counter()
model, binned = fit()
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
p = np.clip(predict(model).astype(np.float64), 1e-15, 1 - 1e-15)
print(json.dumps({
    "peer": version, "seconds": seconds, "firstSeconds": binned - start, "cpuSeconds": cpu,
    "treeSeconds": (seconds - (binned - start)) / rounds,
    "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "trainLoss": float(-np.mean(np.where(y > 0, np.log(p), np.log1p(-p)))),
}))
