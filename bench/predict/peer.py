"""LightGBM's side of the prediction benchmark.

peer.py make MODEL ROWS       grows the trees, and writes them and the rows (f32, row by row)
peer.py predict MODEL ROWS    predicts all rows at once and some one by one, one thread; prints one JSON line
"""
import json
import resource
import sys
import time

import lightgbm as lgb
import numpy as np

task, model_path, rows_path = sys.argv[1:4]
ROWS, FEATURES = 200_000, 28


def make():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    signal = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] ** 2 - 0.5 * x[:, 4] * x[:, 5] + 0.09 * x[:, 6:].sum(axis=1)
    y = (signal + rng.normal(size=ROWS) > 0.8).astype(int)
    options = dict(objective="binary", num_leaves=63, learning_rate=0.1, min_data_in_leaf=20, verbose=-1)
    lgb.train(options, lgb.Dataset(x, y), 100).save_model(model_path)
    x.tofile(rows_path)
    return {"rows": ROWS}


def predict():
    model = lgb.Booster(model_file=model_path)
    x = np.fromfile(rows_path, np.float32).reshape(-1, FEATURES)
    model.predict(x[:1000], num_threads=1)
    times = []
    for _ in range(3):
        start = time.process_time()
        p = model.predict(x, num_threads=1)
        times.append(time.process_time() - start)
    start = time.process_time()
    for row in range(2000):
        model.predict(x[row : row + 1], num_threads=1)
    one = (time.process_time() - start) / 2000
    return {
        "peer": f"LightGBM {lgb.__version__}", "nanosecondsPerRow": sorted(times)[1] / len(x) * 1e9,
        "oneRowMicroseconds": one * 1e6, "margin": float(np.mean(np.log(p / (1 - p)))),
        "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


print(json.dumps({"make": make, "predict": predict}[task]()))
