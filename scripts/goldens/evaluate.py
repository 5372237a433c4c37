"""Goldens of the metrics: scikit-learn and SciPy on fixed predictions. Writes src/evaluate/fixtures/*.json.

Run: python scripts/goldens/evaluate.py      (scikit-learn 1.9.1, NumPy 2.4.6, SciPy 1.17.1)

Inputs are part of the files, rounded so that JSON holds them exactly: margins to f32, as the histogram keeps them.
DeLong's variance is computed here from its definition (all pairs), not by a library.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from sklearn import metrics
from sklearn.calibration import _sigmoid_calibration, calibration_curve
from scipy.special import expit, softmax

OUT = pathlib.Path(__file__).parents[2] / "src" / "evaluate" / "fixtures"
VERSIONS = {"sklearn": sklearn.__version__, "numpy": np.__version__, "scipy": scipy.__version__}


def write(name, data):
    OUT.mkdir(exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps({"versions": VERSIONS, **data}) + "\n")


def delong(labels, scores):
    positive, negative = scores[labels == 1], scores[labels == 0]
    wins = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    of_positive, of_negative = wins.mean(axis=1), wins.mean(axis=0)
    return float(np.sqrt(of_positive.var(ddof=1) / len(positive) + of_negative.var(ddof=1) / len(negative)))


def binary():
    rng = np.random.default_rng(11)
    rows = 600
    labels = (rng.random(rows) < 0.3).astype(int)
    margins = (1.3 * labels - 1 + rng.normal(size=rows)).astype(np.float32)
    margins[::7] = np.round(margins[::7] * 2) / 2  # ties
    margins = margins.astype(np.float64)
    weights = np.round(rng.random(rows) * 3 + 0.25, 2)
    out = {"labels": labels.tolist(), "margins": margins.tolist(), "weights": weights.tolist()}
    p = expit(margins)
    called = (margins >= 0).astype(int)
    for name, w in (("plain", None), ("weighted", weights)):
        out[name] = {
            "auc": metrics.roc_auc_score(labels, margins, sample_weight=w),
            "averagePrecision": metrics.average_precision_score(labels, margins, sample_weight=w),
            "logLoss": metrics.log_loss(labels, p, sample_weight=w),
            "brier": metrics.brier_score_loss(labels, p, sample_weight=w),
            "accuracy": metrics.accuracy_score(labels, called, sample_weight=w),
            "balancedAccuracy": metrics.balanced_accuracy_score(labels, called, sample_weight=w),
            "f1": metrics.f1_score(labels, called, sample_weight=w),
            "confusion": metrics.confusion_matrix(labels, called, sample_weight=w).tolist(),
        }
    out["delong"] = delong(labels, margins)
    observed, predicted = calibration_curve(labels, p, n_bins=10, strategy="quantile")
    out["calibration"] = {"observed": observed.tolist(), "predicted": predicted.tolist()}
    a, b = _sigmoid_calibration(margins, labels)  # p = 1 / (1 + exp(a·margin + b))
    out["platt"] = {"slope": -float(a), "intercept": -float(b)}
    write("binary", out)


def multiclass():
    rng = np.random.default_rng(12)
    rows, classes = 500, 4
    labels = rng.choice(classes, rows, p=[0.4, 0.3, 0.2, 0.1])
    margins = rng.normal(size=(rows, classes))
    margins[np.arange(rows), labels] += 1.2
    margins = np.round(margins, 3)
    weights = np.round(rng.random(rows) * 2 + 0.5, 2)
    p = softmax(margins, axis=1)
    called = p.argmax(axis=1)
    out = {"labels": labels.tolist(), "margins": margins.tolist(), "weights": weights.tolist()}
    for name, w in (("plain", None), ("weighted", weights)):
        areas = [metrics.roc_auc_score(labels == c, p[:, c], sample_weight=w) for c in range(classes)]
        out[name] = {
            "logLoss": metrics.log_loss(labels, p, sample_weight=w),
            "accuracy": metrics.accuracy_score(labels, called, sample_weight=w),
            "balancedAccuracy": metrics.balanced_accuracy_score(labels, called, sample_weight=w),
            "f1": metrics.f1_score(labels, called, average="macro", sample_weight=w),
            "auc": float(np.mean(areas)),
            "confusion": metrics.confusion_matrix(labels, called, sample_weight=w).tolist(),
        }
    write("multiclass", out)


def regression():
    rng = np.random.default_rng(13)
    rows = 400
    labels = np.round(rng.normal(size=rows) * 20 + 50, 2)
    predictions = np.round(labels + rng.normal(size=rows) * 8 + 1, 2)
    weights = np.round(rng.random(rows) * 2 + 0.5, 2)
    out = {"labels": labels.tolist(), "predictions": predictions.tolist(), "weights": weights.tolist()}
    for name, w in (("plain", None), ("weighted", weights)):
        out[name] = {
            "rmse": metrics.root_mean_squared_error(labels, predictions, sample_weight=w),
            "mae": metrics.mean_absolute_error(labels, predictions, sample_weight=w),
            "r2": metrics.r2_score(labels, predictions, sample_weight=w),
        }
    write("regression", out)


def count():
    rng = np.random.default_rng(14)
    rows = 500
    logs = np.round(rng.normal(size=rows) * 0.7 - 0.5, 3)
    labels = rng.poisson(np.exp(logs))
    means = np.exp(logs)
    weights = np.round(rng.random(rows) * 2 + 0.5, 2)
    out = {"labels": labels.tolist(), "margins": logs.tolist(), "weights": weights.tolist()}
    for name, w in (("plain", None), ("weighted", weights)):
        out[name] = {
            "poissonDeviance": metrics.mean_poisson_deviance(labels, means, sample_weight=w),
            "devianceExplained": metrics.d2_tweedie_score(labels, means, power=1, sample_weight=w),
            "rmse": metrics.root_mean_squared_error(labels, means, sample_weight=w),
            "mae": metrics.mean_absolute_error(labels, means, sample_weight=w),
        }
    write("count", out)


def amount():
    rng = np.random.default_rng(15)
    rows = 300
    logs = np.round(rng.normal(size=rows) * 0.5 + 1, 3)
    means = np.exp(logs)
    labels = np.round(means * rng.gamma(2, 0.5, size=rows) + 0.01, 3)
    weights = np.round(rng.random(rows) * 2 + 0.5, 2)
    out = {"labels": labels.tolist(), "margins": logs.tolist(), "weights": weights.tolist()}
    for name, w in (("plain", None), ("weighted", weights)):
        out[name] = {
            "gammaDeviance": metrics.mean_gamma_deviance(labels, means, sample_weight=w),
            "tweedieDeviance": metrics.mean_tweedie_deviance(labels, means, power=1.3, sample_weight=w),
            "gammaExplained": metrics.d2_tweedie_score(labels, means, power=2, sample_weight=w),
            "tweedieExplained": metrics.d2_tweedie_score(labels, means, power=1.3, sample_weight=w),
            # Of the margins as they are: a quantile has no link.
            "pinballLoss": metrics.mean_pinball_loss(labels, logs, alpha=0.8, sample_weight=w),
        }
    write("amount", out)


if __name__ == "__main__":
    for golden in (binary, multiclass, regression, count, amount):
        golden()
