"""The peers' side of the tree benchmark, a process a run: boosted trees on arrays in memory.

peer.py lightgbm|lightgbm-quantized|lightgbm-blocks|xgboost|catboost|scikit-learn SET THREADS ROUNDS LEAVES

The clock runs over binning and training. Same leaves, rounds, rate, bins and penalty. XGBoost grows by loss guide, as
the others do; CatBoost grows symmetric trees, its default, as deep as that many leaves need, and one tree for all
classes. lightgbm-blocks reads rows from disk as it bins them. Counts are learned as claims a year of exposure, weighted by the exposure: the same gradients and Hessians as
counts with an offset. Prints one JSON line; the loss is that of the training rows, computed the same way for all.
"""
import json
import os
import resource
import sys
import time

import numpy as np

peer, path, threads, rounds, leaves = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
os.environ["OMP_NUM_THREADS"] = str(threads)
with open(f"{path}.json") as file:
    shape = json.load(file)
task, classes = shape["task"], shape["classes"]
matrix = os.open(f"{path}.x.f32", os.O_RDONLY)


def block_of(start, count):
    """Rows of the matrix from disk."""
    width = 4 * shape["features"]
    flat = np.frombuffer(os.pread(matrix, count * width, start * width), np.float32)
    return flat.reshape(count, shape["features"])


x = None if peer == "lightgbm-blocks" else block_of(0, shape["rows"])
y = np.fromfile(f"{path}.y.f64", np.float64)
exposure = np.fromfile(f"{path}.e.f64", np.float64) if task == "count" else None
labels = y / exposure if task == "count" else y.astype(np.int64)
first = []


def after_round(*_):
    """Notes the time of the first call."""
    if not first:
        first.append(time.perf_counter())
    return False


def lightgbm(quantized, blocks=False):
    import lightgbm as lgb

    options = dict(
        objective={"binary": "binary", "multiclass": "multiclass", "count": "poisson"}[task], num_leaves=leaves,
        learning_rate=0.1, lambda_l2=1, min_data_in_leaf=20, max_bin=255, num_threads=threads, verbose=-1,
        use_quantized_grad=quantized, quant_train_renew_leaf=quantized,
    )
    if task == "multiclass":
        options["num_class"] = classes
    if task == "count":
        # Its default adds this to log(Hessian), which would make smaller steps than the others make.
        options["poisson_max_delta_step"] = 1e-10

    class Blocks(lgb.Sequence):
        batch_size = 25_000

        def __getitem__(self, which):
            if isinstance(which, slice):
                start, stop, _ = which.indices(len(self))
                return block_of(start, stop - start).astype(np.float64)
            if isinstance(which, list):
                return np.concatenate([self[row : row + 1] for row in which])
            return self[which : which + 1][0]

        def __len__(self):
            return shape["rows"]

    def fit():
        data = lgb.Dataset(Blocks() if blocks else x, labels, weight=exposure, params=options).construct()
        return lgb.train(options, data, rounds, callbacks=[after_round])

    def predict(model):
        if not blocks:
            return model.predict(x, num_threads=threads)
        rows, most = shape["rows"], 1_000_000
        starts = range(0, rows, most)
        return np.concatenate([model.predict(block_of(at, min(most, rows - at)), num_threads=threads) for at in starts])

    return f"LightGBM {lgb.__version__}{', quantized' if quantized else ''}", fit, predict


def xgboost():
    import xgboost as xgb

    options = dict(
        objective={"binary": "binary:logistic", "multiclass": "multi:softprob", "count": "count:poisson"}[task],
        tree_method="hist", grow_policy="lossguide", max_depth=0, max_leaves=leaves, eta=0.1, reg_lambda=1,
        min_child_weight=1, max_bin=256, nthread=threads,
    )
    if task == "multiclass":
        options["num_class"] = classes
    if task == "count":
        options["max_delta_step"] = 0

    class Note(xgb.callback.TrainingCallback):
        def after_iteration(self, *_):
            return after_round()

    def fit():
        data = xgb.QuantileDMatrix(x, labels, weight=exposure, max_bin=256, nthread=threads)
        return xgb.train(options, data, rounds, callbacks=[Note()])

    return f"XGBoost {xgb.__version__}", fit, lambda model: model.predict(xgb.DMatrix(x, nthread=threads))


def catboost():
    import catboost as cb

    class Note:
        def after_iteration(self, _):
            after_round()
            return True

    # It begins at 0 where others begin at the best constant, unless it is told.
    base = None
    if task == "multiclass":
        base = np.log(np.bincount(labels) / len(y))
    if task == "count":
        base = np.log(y.sum() / exposure.sum())

    def fit():
        # Plain settings: what it adds of its own (bootstraps, random scores, several steps a leaf) costs time.
        model = cb.CatBoost(dict(
            loss_function={"binary": "Logloss", "multiclass": "MultiClass", "count": "Poisson"}[task],
            iterations=rounds, depth=(leaves - 1).bit_length(), learning_rate=0.1, l2_leaf_reg=1, border_count=254,
            bootstrap_type="No", random_strength=0, leaf_estimation_iterations=1, boosting_type="Plain",
            thread_count=threads, verbose=False, allow_writing_files=False,
            **(dict(boost_from_average=True) if task == "binary" else {}),
        ))
        start = None if base is None else np.broadcast_to(base, (len(y), *base.shape)).astype(np.float64)
        pool = cb.Pool(x, labels, weight=exposure, baseline=start, thread_count=threads)
        return model.fit(pool, callbacks=[Note()])

    def predict(model):
        margins = model.predict(x, prediction_type="RawFormulaVal", thread_count=threads)
        if task == "binary":
            return 1 / (1 + np.exp(-margins))
        means = np.exp(margins + base)
        return means if task == "count" else means / means.sum(axis=1, keepdims=True)

    return f"CatBoost {cb.__version__}", fit, predict


def scikit_learn():
    import sklearn
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    def fit():
        options = dict(
            max_iter=rounds, max_leaf_nodes=leaves, learning_rate=0.1, l2_regularization=1, min_samples_leaf=20,
            early_stopping=False,
        )
        if task == "count":
            model = HistGradientBoostingRegressor(loss="poisson", **options)
        else:
            model = HistGradientBoostingClassifier(**options)
        return model.fit(x, labels, sample_weight=exposure)

    def predict(model):
        if task == "count":
            return model.predict(x)
        means = model.predict_proba(x)
        return means[:, 1] if task == "binary" else means

    return f"scikit-learn {sklearn.__version__}", fit, predict


def loss(means):
    """Mean over rows: negative log likelihood, for counts less what no model changes."""
    means = np.asarray(means, np.float64)
    if task == "count":
        mu = exposure * means
        return np.mean(mu - y * np.log(mu))
    if task == "multiclass":
        return -np.mean(np.log(np.clip(means[np.arange(len(y)), labels], 1e-15, 1)))
    p = np.clip(means, 1e-15, 1 - 1e-15)
    return -np.mean(np.where(y > 0, np.log(p), np.log1p(-p)))


version, fit, predict = {
    "lightgbm": lambda: lightgbm(False), "lightgbm-quantized": lambda: lightgbm(True),
    "lightgbm-blocks": lambda: lightgbm(False, True), "xgboost": xgboost,
    "catboost": catboost, "scikit-learn": scikit_learn,
}[peer]()
cpu, start = time.process_time(), time.perf_counter()
model = fit()
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
# scikit-learn has no way to tell when a round ends.
until_first = first[0] - start if first else None
print(json.dumps({
    "peer": version, "seconds": seconds, "firstSeconds": until_first, "cpuSeconds": cpu,
    "roundSeconds": (seconds - until_first) / (rounds - 1) if first else None, "peakMiB": peak,
    "trainLoss": float(loss(predict(model))),
}))
