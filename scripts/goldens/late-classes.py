"""Goldens of classes that come while a stream runs: River on cover types, row by row. Writes src/fit/online/fixtures/late-classes.json.

Run: SORA_DATA=<folder of data sets> python scripts/goldens/late-classes.py [learner …]      (river 0.26.1)

The first 8,000 rows of the file and its ten numbers; a row is left out where its class is not to come yet (BORN), so that five
of the seven classes first appear later. Models know classes 1 and 2 from the start. Test, then train: each row is predicted,
then learned from. Beside the accuracy stands that of the rows of the late classes alone.
"""

import csv
import gzip
import json
import math
import os
import pathlib
import sys

import river
from online import CLASSIFIERS, FreshFTRL, linear
from river import ensemble, forest, linear_model, multiclass, optim, tree

OUT = pathlib.Path(__file__).parents[2] / "src" / "fit" / "online" / "fixtures" / "late-classes.json"
DATA = pathlib.Path(os.environ.get("SORA_DATA", pathlib.Path(__file__).parents[3] / "shared" / "data"))
ROWS = 8000
KNOWN = (1, 2)
# Row of the file from which a class may come.
BORN = {3: 1500, 7: 2500, 6: 3500, 5: 4500, 4: 5500}


def rows():
    with gzip.open(DATA / "covertype_92k" / "covertype_ramp_test.csv.gz", "rt", newline="") as stream:
        for index, row in enumerate(csv.DictReader(stream)):
            if index == ROWS:
                return
            y = int(row["Cover_Type"])
            if index >= BORN.get(y, 0):
                yield {name: float(row[name]) for name in list(row)[:10]}, y


def softmax(optimiser):
    model = linear_model.SoftmaxRegression(optimiser)
    for label in KNOWN:
        model.weights[label]
    return linear(model)


def one_vs_rest(classifier):
    model = multiclass.OneVsRestClassifier(classifier)
    for label in KNOWN:
        model.classifiers[label] = classifier.clone()
    return linear(model)


LEARNERS = {
    "ftrl-fresh": lambda: softmax(FreshFTRL(alpha=0.5, beta=1.0, l1=1.0, l2=1.0)),
    "adagrad": lambda: softmax(optim.AdaGrad(0.3)),
    "pa": lambda: one_vs_rest(linear_model.PAClassifier(mode=0, learn_intercept=False)),
    "pa-1": lambda: one_vs_rest(linear_model.PAClassifier(C=0.01, mode=1, learn_intercept=False)),
    "pa-2": lambda: one_vs_rest(linear_model.PAClassifier(C=0.01, mode=2, learn_intercept=False)),
    "alma": lambda: one_vs_rest(linear_model.ALMAClassifier(p=2, alpha=0.9)),
    # These take any number of classes as they are.
    **{name: CLASSIFIERS[name] for name in ("gaussian-nb", "hoeffding-tree", "hoeffding-tree-mc", "nearest")},
}
ENSEMBLES = {
    "adaptive-forest": lambda seed: forest.ARFClassifier(n_models=10, seed=seed),
    "leveraging-bagging": lambda seed: ensemble.LeveragingBaggingClassifier(
        tree.HoeffdingTreeClassifier(), n_models=10, seed=seed
    ),
}
# Scores of chance are means over these.
SEEDS = (1, 2, 3)


def score(model, data):
    hits, late, found, loss = 0, 0, 0, 0.0
    for x, y in data:
        shares = model.predict_proba_one(x)
        guess = max(shares, key=shares.get) if shares else KNOWN[0]
        hits += guess == y
        late += y not in KNOWN
        found += y not in KNOWN and guess == y
        loss -= math.log(min(max(shares.get(y, 0.0) if shares else 0.5, 1e-15), 1 - 1e-15))
        model.learn_one(x, y)
    return {"accuracy": hits / len(data), "late": found / late, "logLoss": loss / len(data)}


def scores_of(name, data):
    if name in LEARNERS:
        return score(LEARNERS[name](), data)
    runs = [score(ENSEMBLES[name](seed), data) for seed in SEEDS]
    return {**{key: sum(run[key] for run in runs) / len(runs) for key in runs[0]}, "seeds": runs}


def main(asked):
    data = list(rows())
    result = json.loads(OUT.read_text()) if OUT.exists() else {}
    result |= {"river": river.__version__, "fileRows": ROWS, "known": KNOWN, "born": BORN, "rows": len(data)}
    scores = result.setdefault("scores", {})
    for name in asked or [*LEARNERS, *ENSEMBLES]:
        scores[name] = scores_of(name, data)
        print(name, scores[name], flush=True)
        OUT.write_text(json.dumps(result, indent=1) + "\n")


main(sys.argv[1:])
