"""Goldens of online learners: River on real streams, row by row. Writes src/fit/online/fixtures/river.json and adwin.json.

Run: SORA_DATA=<folder of data sets> python scripts/goldens/online.py [learner or stream …]      (river 0.26.1)

Test, then train: every row is predicted before it is learned from, the scaler's statistics too. The intercept is a
constant feature that is not scaled, so that every linear learner treats it as it treats the others. Named learners and
streams are run again and replace their entries; the others stay. Seconds are of the learner's calls alone.
"""

import csv
import functools
import gzip
import json
import math
import os
import pathlib
import sys
import time

import river
from river import compose, drift, ensemble, forest, linear_model, naive_bayes, neighbors, optim, preprocessing, tree, utils

OUT = pathlib.Path(__file__).parents[2] / "src" / "fit" / "online" / "fixtures"
DATA = pathlib.Path(os.environ.get("SORA_DATA", pathlib.Path(__file__).parents[3] / "shared" / "data"))

BIKE = "season yr mnth hr holiday weekday workingday weathersit temp atemp hum windspeed".split()
FLIGHTS = "Month DayofMonth DayOfWeek DepTime UniqueCarrier Origin Dest Distance DepDelay TaxiOut".split()
# Late is what lands a quarter of an hour or more after its time; flights that did not are left out.
LABELS = {"bank": lambda text: text == "yes", "flights": lambda text: float(text) > 14}
SETS = {
    "elec2": ("elec2/elec.csv", "class", None),
    "phishing": ("phishing_stream/phishing.csv", "target", None),
    "weather": ("noaa_weather/weather.csv", "target", None),
    "bank": ("bank_marketing/bank-full.csv", "y", None),
    "bike": ("bike_sharing/hour.csv", "cnt", BIKE),
    "flights": ("hflights/hflights.derived.csv", "ArrDelay", FLIGHTS),
}


def value(text):
    """A number, or a category where it is none."""
    try:
        return float(text)
    except ValueError:
        return text


def rows(name):
    """Rows as numbers and categories, and a label: a number, or whether it is yes."""
    path, target, columns = SETS[name]
    file = DATA / path
    stream = open(file, newline="") if file.exists() else gzip.open(f"{file}.gz", "rt", newline="")
    with stream:
        for row in csv.DictReader(stream, delimiter=";" if name == "bank" else ","):
            names = columns or [key for key in row if key != target]
            if name == "flights" and "" in [row[key] for key in (*names, target)]:
                continue
            y = int(LABELS.get(name, float)(row[target]))
            yield {key: value(row[key]) for key in names}, y


def linear(model):
    constant = compose.FuncTransformer(lambda x: {**x, "constant": 1.0})
    numbers = compose.SelectType(float) | preprocessing.StandardScaler()
    categories = compose.SelectType(str) | preprocessing.OneHotEncoder()
    return (numbers + categories) | constant | model


def logistic(optimiser):
    return linear(linear_model.LogisticRegression(optimiser, intercept_lr=0.0))


class FreshFTRL(optim.FTRLProximal):
    """FTRL whose weights follow from z and n at once; River's are those before the row last learned (0.26.1)."""

    def _step_with_dict(self, w, g):
        w = super()._step_with_dict(w, g)
        for i in g:
            z, shrunk = self.z[i], abs(self.z[i]) - self.l1
            w[i] = 0.0 if shrunk <= 0 else -math.copysign(shrunk, z) / ((self.beta + self.n[i] ** 0.5) / self.alpha + self.l2)
        return w


def regression(loss, alpha, beta=1.0):
    ftrl = FreshFTRL(alpha=alpha, beta=beta, l1=0.0, l2=0.0)
    return linear(linear_model.LinearRegression(ftrl, loss=loss, intercept_lr=0.0))


class PlainHinge(optim.losses.EpsilonInsensitiveHinge):
    """max(0, |y - p| - eps). River's own takes numbers to be classes and compares with 2 y - 1 (0.26.1)."""

    def __call__(self, y_true, y_pred):
        return max(abs(y_pred - y_true) - self.eps, 0.0)


def passive_aggressive_regressor():
    model = linear_model.PARegressor(C=1.0, mode=1, eps=0.1, learn_intercept=False)
    model.loss = PlainHinge(eps=0.1)
    return linear(model)


class NAG:
    """Normalised adaptive gradient descent, which River has not: Ross, Mineiro & Langford (UAI 2013), algorithm 2."""

    def __init__(self, rate):
        self.rate, self.w, self.s, self.G, self.N, self.t = rate, {}, {}, {}, 0.0, 0

    def margin(self, x):
        total = 0.0
        for i, v in x.items():
            w, s = self.w.get(i, 0.0), self.s.get(i, 0.0)
            total += v * (w * s / abs(v) if abs(v) > s else w)
        return total

    def predict_proba_one(self, x):
        share = 1 / (1 + math.exp(-self.margin({**x, "constant": 1.0})))
        return {0: 1 - share, 1: share}

    def learn_one(self, x, y):
        x = {i: v for i, v in {**x, "constant": 1.0}.items() if v != 0}
        for i, v in x.items():
            if abs(v) > self.s.get(i, 0.0):
                self.w[i] = self.w.get(i, 0.0) * self.s.get(i, 0.0) / abs(v)
                self.s[i] = abs(v)
        slope = 1 / (1 + math.exp(-self.margin(x))) - y
        self.t += 1
        self.N += sum((v / self.s[i]) ** 2 for i, v in x.items())
        for i, v in x.items():
            g = slope * v
            self.G[i] = self.G.get(i, 0.0) + g * g
            if g:
                self.w[i] -= self.rate * math.sqrt(self.t / self.N) * g / (self.s[i] * math.sqrt(self.G[i]))


def neighbours():
    engine = neighbors.LazySearch(window_size=500, dist_func=utils.math._euclidean_distance)
    return preprocessing.StandardScaler() | neighbors.KNNClassifier(n_neighbors=5, engine=engine)


CLASSIFIERS = {
    "nag": lambda: NAG(2.0),
    "nearest": neighbours,
    "ftrl": lambda: logistic(optim.FTRLProximal(alpha=0.5, beta=1.0, l1=0.0, l2=0.0)),
    "ftrl-l1": lambda: logistic(optim.FTRLProximal(alpha=0.5, beta=1.0, l1=1.0, l2=1.0)),
    "ftrl-fresh": lambda: logistic(FreshFTRL(alpha=0.5, beta=1.0, l1=1.0, l2=1.0)),
    "adagrad": lambda: logistic(optim.AdaGrad(0.3)),
    "pa": lambda: linear(linear_model.PAClassifier(mode=0, learn_intercept=False)),
    "pa-1": lambda: linear(linear_model.PAClassifier(C=0.01, mode=1, learn_intercept=False)),
    "pa-2": lambda: linear(linear_model.PAClassifier(C=0.01, mode=2, learn_intercept=False)),
    "alma": lambda: linear(linear_model.ALMAClassifier(p=2, alpha=0.9)),
    "gaussian-nb": lambda: naive_bayes.GaussianNB(),
    "hoeffding-tree": lambda: tree.HoeffdingTreeClassifier(),
    "hoeffding-tree-mc": lambda: tree.HoeffdingTreeClassifier(leaf_prediction="mc"),
}
# Streams with categories: splits are one value against the others.
MIXED = {
    **{name: CLASSIFIERS[name] for name in ("ftrl", "adagrad", "pa-1")},
    "hoeffding-tree": lambda: tree.HoeffdingTreeClassifier(binary_split=True),
    "hoeffding-tree-mc": lambda: tree.HoeffdingTreeClassifier(binary_split=True, leaf_prediction="mc"),
}
ENSEMBLES = {
    "adaptive-forest": lambda seed: forest.ARFClassifier(n_models=10, seed=seed),
    "leveraging-bagging": lambda seed: ensemble.LeveragingBaggingClassifier(
        tree.HoeffdingTreeClassifier(), n_models=10, seed=seed
    ),
}
# Seeds of the ensembles, whose scores differ by chance: several where it is the score that matters.
SEEDS = {"elec2": (1, 2, 3)}
REGRESSORS = {
    # River's squared loss has no factor of a half: slopes are twice ours, which twice the beta makes up for.
    "ftrl-squared": lambda: regression(optim.losses.Squared(), 10.0, beta=2.0),
    "ftrl-huber": lambda: regression(optim.losses.Huber(100.0), 10.0),
    "ftrl-poisson": lambda: regression(optim.losses.Poisson(), 0.1),
    "pa-regressor": passive_aggressive_regressor,
}


def classify(make, data):
    model, hits, loss = make(), 0, 0.0
    start = time.process_time()
    for x, y in data:
        shares = model.predict_proba_one(x)
        guess = max(shares, key=shares.get) if shares else 0
        hits += int(guess) == y
        share = shares.get(y, 0.0) if shares else 0.5
        loss -= math.log(min(max(share, 1e-15), 1 - 1e-15))
        model.learn_one(x, y)
    seconds = time.process_time() - start
    return {"accuracy": hits / len(data), "logLoss": loss / len(data), "seconds": round(seconds, 3)}


def mean_of_seeds(make, data, seeds):
    """Scores of chance: each seed's, and their means."""
    runs = [classify(lambda: make(seed), data) for seed in seeds]
    return {**{key: sum(run[key] for run in runs) / len(runs) for key in runs[0]}, "seeds": runs}


def regress(make, data):
    model, error = make(), 0.0
    start = time.process_time()
    for x, y in data:
        value = model.predict_one(x)
        error += abs(value - y)
        model.learn_one(x, y)
    return {"mae": float(error) / len(data), "seconds": round(time.process_time() - start, 3)}


def adwin():
    """Detections on streams of 0 and 1 and of numbers, made by a linear congruential generator (a, c of Numerical Recipes)."""
    cases = []
    for delta, levels in [(0.002, [0.2, 0.6, 0.1]), (0.01, [0.3, 0.4]), (0.001, [0.5]), (0.002, [0.05, 0.06, 0.5])]:
        for binary in (True, False):
            state, detector, found, widths = 1, drift.ADWIN(delta=delta), [], []
            for index in range(2000 * len(levels)):
                state = (1664525 * state + 1013904223) % 2**32
                u, level = state / 2**32, levels[index // 2000]
                detector.update(float(u < level) if binary else level + 0.3 * (u - 0.5))
                if detector.drift_detected:
                    found.append(index)
                if index % 500 == 499:
                    widths.append([detector.width, detector.estimation, detector.variance])
            cases.append({"delta": delta, "levels": levels, "binary": binary, "found": found, "widths": widths})
    (OUT / "adwin.json").write_text(json.dumps({"river": river.__version__, "cases": cases}) + "\n")


def main(asked):
    OUT.mkdir(exist_ok=True)
    file = OUT / "river.json"
    result = json.loads(file.read_text()) if file.exists() else {}
    result["river"] = river.__version__
    for name in (set(asked) & set(SETS)) or SETS:
        data = list(rows(name))
        usual = [(CLASSIFIERS, classify), (ENSEMBLES, functools.partial(mean_of_seeds, seeds=SEEDS.get(name, (1,))))]
        kinds = {"bike": [(REGRESSORS, regress)], "bank": [(MIXED, classify)], "flights": [(MIXED, classify)]}.get(name, usual)
        scores = result.setdefault(name, {"rows": len(data)})
        for learner, make, score in [(key, make, score) for some, score in kinds for key, make in some.items()]:
            if set(asked) - set(SETS) and learner not in asked:
                continue
            scores[learner] = score(make, data)
            print(name, learner, scores[learner], flush=True)
            file.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        adwin()
    main(sys.argv[1:])
