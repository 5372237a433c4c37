"""scikit-learn's side of the linear benchmark: logistic regression by L-BFGS on data already in memory.

peer.py prepare dense|sparse FILE OUT    reads the text once and keeps the arrays, so that no run pays for parsing
peer.py fit     dense|sparse ARRAYS      one fit; the clock runs over scaling and fitting
peer.py judge   dense|sparse ARRAYS COEFFICIENTS   objective of given coefficients of raw columns, in f64

Each prints one JSON line.
"""
import json
import resource
import sys
import time

import numpy as np
import scipy.sparse
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def prepare(kind, path, out):
    if kind == "dense":
        import pandas as pd

        frame = pd.read_csv(path)
        y = frame.pop("y").to_numpy()
        np.savez(out, x=frame.to_numpy(dtype=np.float32), y=y)
    else:
        from sklearn.datasets import load_svmlight_file

        x, y = load_svmlight_file(path, dtype=np.float32)
        np.savez(out, data=x.data, indices=x.indices, indptr=x.indptr, shape=x.shape, y=y)
    return {}


def load(kind, path):
    arrays = np.load(path)
    y = (arrays["y"] > 0).astype(np.int64)
    if kind == "dense":
        return arrays["x"], y
    return scipy.sparse.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=arrays["shape"]), y


def objective(coefficients, intercept, x, y):
    """Mean log loss plus L2 penalty, in f64: what C = 1 minimises, divided by the number of rows."""
    margins = x.astype(np.float64) @ coefficients + intercept
    return float(np.mean(np.logaddexp(0, margins) - y * margins) + 0.5 / len(y) * coefficients @ coefficients)


def fit(kind, path):
    x, y = load(kind, path)
    cpu = time.process_time()
    start = time.perf_counter()
    scaled = StandardScaler().fit_transform(x) if kind == "dense" else x
    middle = time.perf_counter()
    model = LogisticRegression(C=1.0, solver="lbfgs", tol=1e-4, max_iter=1000).fit(scaled, y)
    end = time.perf_counter()
    cpu = time.process_time() - cpu
    return {
        "peer": f"scikit-learn {sklearn.__version__}",
        "rows": int(x.shape[0]), "features": int(x.shape[1]),
        "nonZeros": int(x.nnz) if kind == "sparse" else int(x.size),
        "scaleSeconds": middle - start, "fitSeconds": end - middle, "seconds": end - start, "cpuSeconds": cpu,
        "rounds": int(model.n_iter_[0]),
        "objective": objective(model.coef_[0].astype(np.float64), float(model.intercept_[0]), scaled, y),
        "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def judge(kind, path, coefficients):
    x, y = load(kind, path)
    with open(coefficients) as file:
        given = json.load(file)
    # Sora keeps the indices of the file, which begin at 1; the peer moves them to 0. Columns behind the last are zeros.
    values = given["coefficients"][1:] if kind == "sparse" else given["coefficients"]
    coefficients = np.zeros(x.shape[1])
    coefficients[: len(values)] = values
    intercept = given["intercept"]
    if kind == "dense":
        scaler = StandardScaler().fit(x)
        intercept += coefficients @ scaler.mean_
        coefficients *= scaler.scale_
        x = scaler.transform(x)
    return {"objective": objective(coefficients, intercept, x, y)}


command, *arguments = sys.argv[1:]
print(json.dumps({"prepare": prepare, "fit": fit, "judge": judge}[command](*arguments)))
