"""scikit-learn's side of the linear benchmark: logistic regression by L-BFGS on data already in memory.

Usage: peer.py dense|sparse FILE REPEATS. Prints one JSON line: seconds of scaling and fitting (each run), iterations,
objective at the solution in f64, peak resident size. Reading the file is not timed.
"""
import json
import resource
import sys
import time

import numpy as np
import pandas as pd
import sklearn
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def objective(model, x, y):
    """Mean log loss plus L2 penalty of the model, in f64: what C = 1 minimises, divided by n."""
    coefficients = model.coef_[0].astype(np.float64)
    margins = x @ coefficients + np.float64(model.intercept_[0])
    return float(np.mean(np.logaddexp(0, margins) - y * margins) + 0.5 / len(y) * coefficients @ coefficients)


kind, path, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "dense":
    frame = pd.read_csv(path)
    y = frame.pop("y").to_numpy()
    x = frame.to_numpy(dtype=np.float32)
    del frame
else:
    x, y = load_svmlight_file(path, dtype=np.float32)

scale, fit, values, iterations = [], [], [], []
for _ in range(repeats):
    start = time.perf_counter()
    scaled = StandardScaler().fit_transform(x) if kind == "dense" else x
    middle = time.perf_counter()
    model = LogisticRegression(C=1.0, solver="lbfgs", tol=1e-4, max_iter=1000).fit(scaled, y)
    fit.append(time.perf_counter() - middle)
    scale.append(middle - start)
    iterations.append(int(model.n_iter_[0]))
    values.append(objective(model, scaled.astype(np.float64), y))

print(json.dumps({
    "peer": f"scikit-learn {sklearn.__version__}",
    "rows": int(x.shape[0]), "features": int(x.shape[1]),
    "scaleSeconds": scale, "fitSeconds": fit, "iterations": iterations, "objective": values,
    "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
