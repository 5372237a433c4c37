"""The peers' side of the accuracy benchmark, and the judge of all: the defaults of a library on one fold of a set.

peer.py lightgbm|xgboost|catboost|scikit-learn FOLDER FOLD THREADS    fits, predicts, judges
peer.py judge FOLDER FOLD PREDICTIONS                                 judges what Sora predicted

Data is given as users of each library give it: categories as such, a timestamp as days, month, weekday and hour, claims
as frequencies weighted by exposure. The clock runs over the fit. Prints one JSON line.
"""
import json
import os
import sys
import time

import numpy as np
import pandas as pd

what, folder, fold, last = sys.argv[1:5]
with open(f"{folder}/set.json") as file:
    known = json.load(file)
target, task, exposure = known["target"], known["task"], known.get("exposure")
# Most categories of a column that scikit-learn takes.
MOST_CATEGORIES = 255


def read(part):
    times = known.get("times", [])
    frame = pd.read_csv(f"{folder}/{part}{fold}.csv", keep_default_na=False, na_values=[""], parse_dates=times)
    for name in times:
        time_of = frame.pop(name)
        frame[f"{name} days"] = (time_of - pd.Timestamp(2000, 1, 1)).dt.total_seconds() / 86400
        frame[f"{name} month"], frame[f"{name} weekday"] = time_of.dt.month, time_of.dt.weekday
        frame[f"{name} hour"] = time_of.dt.hour
    return frame


def score(truth, weight, predicted):
    """The metric, its name, and whether more is better."""
    from sklearn.metrics import log_loss, mean_poisson_deviance, roc_auc_score

    if task == "binary":
        return dict(metric="AUC", value=roc_auc_score(truth, predicted))
    if task == "multiclass":
        return dict(metric="log loss", value=log_loss(truth, predicted, labels=np.arange(predicted.shape[1])))
    if task == "poisson":
        return dict(metric="Poisson deviance", value=mean_poisson_deviance(truth / weight, predicted, sample_weight=weight))
    return dict(metric="RMSE", value=float(np.sqrt(np.mean((truth - predicted) ** 2))))


test = read("test")
if task in ("binary", "multiclass"):
    classes = sorted(set(test[target].astype(str)))  # folds are stratified: each class is in every part
    if task == "binary":
        classes.sort(key=lambda name: name == known["positive"])
code = lambda column: column.astype(str).map({name: i for i, name in enumerate(classes)}).to_numpy()
truth = code(test[target]) if task in ("binary", "multiclass") else test[target].to_numpy(dtype=float)
weight = test[exposure].to_numpy(dtype=float) if exposure else None

if what == "judge":
    table = pd.read_csv(last)
    if task == "binary":
        predicted = table[f"p({known['positive']})"].to_numpy()
    elif task == "multiclass":
        predicted = table[[f"p({name})" for name in classes]].to_numpy()
        predicted = predicted / predicted.sum(axis=1, keepdims=True)
    else:
        predicted = table["prediction"].to_numpy()
        # Sora predicts the count for the row's exposure, the peers a frequency.
        predicted = predicted / weight if exposure else predicted
    print(json.dumps(score(truth, weight, predicted)))
    sys.exit()

threads = int(last)
train = read("train")
features = [name for name in train.columns if name not in (target, exposure)]
texts = [name for name in features if not pd.api.types.is_numeric_dtype(train[name])]
y = code(train[target]) if task in ("binary", "multiclass") else train[target].to_numpy(dtype=float)
weights = train[exposure].to_numpy(dtype=float) if exposure else None
if exposure:
    y = y / weights
x, x_test = train[features].copy(), test[features].copy()
for name in texts:
    levels = train[name].value_counts().index
    if what == "catboost":
        x[name], x_test[name] = (part[name].fillna("missing").astype(str) for part in (train, test))
        continue
    if what == "scikit-learn" and len(levels) > MOST_CATEGORIES:
        # The commonest, the others together.
        kept = set(levels[: MOST_CATEGORIES - 1])
        x[name], x_test[name] = (
            part[name].where(part[name].isin(kept) | part[name].isna(), "other") for part in (train, test)
        )
        levels = [*kept, "other"]
    kind = pd.CategoricalDtype(sorted(levels))
    x[name], x_test[name] = x[name].astype(kind), x_test[name].astype(kind)
classifies = task in ("binary", "multiclass")


def lightgbm():
    import lightgbm as lgb

    kind = lgb.LGBMClassifier if classifies else lgb.LGBMRegressor
    more = dict(objective="poisson") if exposure else {}
    return lgb.__version__, kind(n_jobs=threads, verbose=-1, **more)


def xgboost():
    import xgboost as xgb

    kind = xgb.XGBClassifier if classifies else xgb.XGBRegressor
    more = dict(objective="count:poisson") if exposure else {}
    return xgb.__version__, kind(n_jobs=threads, enable_categorical=True, **more)


def catboost():
    import catboost as cat

    kind = cat.CatBoostClassifier if classifies else cat.CatBoostRegressor
    more = dict(loss_function="Poisson") if exposure else {}
    return cat.__version__, kind(
        thread_count=threads, verbose=False, allow_writing_files=False, cat_features=texts, **more
    )


def scikit_learn():
    import sklearn
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    more = dict(loss="poisson") if exposure else {}
    return sklearn.__version__, (
        HistGradientBoostingClassifier() if classifies else HistGradientBoostingRegressor(**more)
    )


os.environ["OMP_NUM_THREADS"] = str(threads)
version, model = {"lightgbm": lightgbm, "xgboost": xgboost, "catboost": catboost, "scikit-learn": scikit_learn}[what]()
cpu, start = time.process_time(), time.perf_counter()
model.fit(x, y, sample_weight=weights)
seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
predicted = model.predict_proba(x_test) if classifies else model.predict(x_test)
if task == "binary":
    predicted = predicted[:, 1]
elif task == "poisson" and what == "catboost":
    predicted = model.predict(x_test, prediction_type="Exponent")
print(json.dumps({"version": version, **score(truth, weight, predicted), "seconds": seconds, "cpuSeconds": cpu}))
