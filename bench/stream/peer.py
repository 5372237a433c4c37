"""River's side of the stream benchmark: FILE ROWS LEARNER …; prints one JSON line. Rows are dictionaries beforehand."""
import csv
import json
import sys
import time

import river
from river import compose, ensemble, forest, linear_model, naive_bayes, optim, preprocessing, tree

path, rows, *names = sys.argv[1:]
with open(path, newline="") as stream:
    data = [({k: float(v) for k, v in row.items() if k != "class"}, int(row["class"])) for row in csv.DictReader(stream)]


def linear(model):
    constant = compose.FuncTransformer(lambda x: {**x, "constant": 1.0})
    return preprocessing.StandardScaler() | constant | model


def logistic(optimiser):
    return linear(linear_model.LogisticRegression(optimiser, intercept_lr=0.0))


LEARNERS = {
    "ftrl": lambda: logistic(optim.FTRLProximal(alpha=0.5, beta=1.0, l1=0.0, l2=0.0)),
    "adagrad": lambda: logistic(optim.AdaGrad(0.3)),
    "passive-aggressive": lambda: linear(linear_model.PAClassifier(mode=0, learn_intercept=False)),
    "alma": lambda: linear(linear_model.ALMAClassifier(p=2, alpha=0.9)),
    "gaussian-bayes": naive_bayes.GaussianNB,
    "hoeffding-tree": tree.HoeffdingTreeClassifier,
    "adaptive-forest": lambda: forest.ARFClassifier(n_models=10, seed=1),
    "leveraging-bagging": lambda: ensemble.LeveragingBaggingClassifier(
        tree.HoeffdingTreeClassifier(), n_models=10, seed=1
    ),
}
SHORT = ("adaptive-forest", "leveraging-bagging")
ONCE = ("gaussian-bayes", "hoeffding-tree")

learners = {}
for name in names:
    part = data[: int(rows)] if name in SHORT else data * (1 if name in ONCE else 3)
    model, hits = LEARNERS[name](), 0
    start = time.process_time()
    for x, y in part:
        shares = model.predict_proba_one(x)
        hits += (max(shares, key=shares.get) if shares else 0) == y
        model.learn_one(x, y)
    seconds = time.process_time() - start
    learners[name] = {"rowsPerSecond": len(part) / seconds, "accuracy": hits / len(part)}
print(json.dumps({"version": river.__version__, "learners": learners}))
