"""Goldens of generalised linear models: scikit-learn on numeric columns of Adult census income (data/adult).

Run: python scripts/goldens/glm.py      (scikit-learn 1.9.1, NumPy 2.4.6, pandas 3.1.1)

Features are the six numeric columns of the first 4,000 rows, standardised and rounded to f32, as a view holds them.
Every solver runs to a tolerance far below its default, so that coefficients agree to the tolerance of the test, not
of the solver. How penalties map: LogisticRegression minimises C·Σ loss + ½‖w‖² (so l2 = 1 / (C·n)), Ridge
Σ (…)² + alpha‖w‖² (l2 = alpha / n), PoissonRegressor, its like for gamma and Tweedie, and ElasticNet the mean loss (l2 = alpha). HuberRegressor fits
its own scale σ: its solution is that of a fixed delta = epsilon·σ with l2 = alpha·σ / n.
"""

import json
import pathlib
import warnings

import numpy as np
import pandas as pd
import sklearn
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)

ROOT = pathlib.Path(__file__).parents[2]
OUT = ROOT / "src" / "fit" / "glm" / "fixtures" / "adult.json"
ROWS = 4000
NUMERIC = ["age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"]


def features(frame):
    x = frame[NUMERIC].to_numpy(dtype=np.float64)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32).astype(np.float64)


def entry(model, **options):
    coefficients = np.atleast_2d(model.coef_)
    intercepts = np.broadcast_to(np.atleast_1d(model.intercept_), (len(coefficients),))
    return {**options, "coefficients": coefficients.tolist(), "intercepts": intercepts.tolist()}


def main():
    warnings.simplefilter("error")
    frame = pd.read_csv(ROOT / "data" / "adult" / "adult.csv.gz", nrows=ROWS, skipinitialspace=True)
    frame.columns = [name.replace("_", "-").replace(".", "-") for name in frame.columns]
    x = features(frame)
    n = len(x)
    income = frame.iloc[:, -1].astype(str).str.contains(">50K").to_numpy().astype(int)
    relations = sorted(frame["relationship"].unique())
    relation = frame["relationship"].map(relations.index).to_numpy()
    weights = np.round(1 + (np.arange(n) % 7) / 3, 3)
    hours = x[:, 5]
    others = x.copy()
    others[:, 5] = 0
    exposure = np.round(0.5 + (np.arange(n) % 5) / 4, 3)
    counts = (np.arange(n) * 7919 % 11 + frame["age"].to_numpy() // 20) * (np.arange(n) % 3)
    exact = dict(tol=1e-10, max_iter=100_000)

    goldens = {
        "logistic": entry(LogisticRegression(C=1.0, **exact).fit(x, income), l2=1 / n),
        "logisticStrong": entry(LogisticRegression(C=0.001, **exact).fit(x, income), l2=1000 / n),
        "logisticWeighted": entry(
            LogisticRegression(C=1.0, **exact).fit(x, income, sample_weight=weights), l2=1 / weights.sum()
        ),
        "logisticBalanced": entry(
            LogisticRegression(C=1.0, class_weight="balanced", **exact).fit(x, income), l2=1 / n
        ),
        "logisticL1": entry(
            LogisticRegression(C=0.01, l1_ratio=1, solver="saga", **exact).fit(x, income), l1=100 / n, l2=0
        ),
        "logisticElastic": entry(
            LogisticRegression(C=0.01, l1_ratio=0.6, solver="saga", **exact).fit(x, income),
            l1=60 / n,
            l2=40 / n,
        ),
        "softmax": entry(LogisticRegression(C=1.0, **exact).fit(x, relation), l2=1 / n),
        "ridge": entry(Ridge(alpha=3.0, solver="cholesky").fit(others, hours), l2=3 / n),
        "elasticNet": entry(
            ElasticNet(alpha=0.05, l1_ratio=0.5, **exact).fit(others, hours), l1=0.025, l2=0.025
        ),
        "poisson": entry(PoissonRegressor(alpha=0.01, tol=1e-10, max_iter=10_000).fit(x, counts), l2=0.01),
        "poissonExposure": entry(
            PoissonRegressor(alpha=0.01 * n / exposure.sum(), tol=1e-10, max_iter=10_000).fit(
                x, counts / exposure, sample_weight=exposure
            ),
            l2=0.01,
        ),
    }
    goldens["gamma"] = entry(GammaRegressor(alpha=0.01, tol=1e-10, max_iter=10_000).fit(x, counts + 0.5), l2=0.01)
    tweedie = TweedieRegressor(power=1.4, link="log", alpha=0.01, tol=1e-10, max_iter=10_000)
    goldens["tweedie"] = entry(tweedie.fit(x, counts), l2=0.01)
    huber = HuberRegressor(epsilon=1.35, alpha=1.0, tol=1e-9, max_iter=100_000).fit(others, hours)
    goldens["huber"] = entry(huber, l2=float(huber.scale_) / n, delta=1.35 * float(huber.scale_))

    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(
        json.dumps(
            {
                "versions": {"sklearn": sklearn.__version__, "numpy": np.__version__, "pandas": pd.__version__},
                "features": [[round(float(v), 12) for v in row] for row in np.float32(x).T[:, :3]],
                "goldens": goldens,
            },
            indent=1,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
