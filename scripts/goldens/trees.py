"""Goldens of boosted trees: training loss by iteration, LightGBM on columns of Adult census income (data/adult).

Run: python scripts/goldens/trees.py      (LightGBM 4.7.0, NumPy 2.4.6, pandas 3.1.1)

The first 4,000 rows; five number columns as they are, and the relationship as a category (code by first appearance in
sorted order). Same leaves, learning rate, penalties and bins as src/fit/tree/fit.test.ts. Trees of two
implementations differ where gains tie and in where bins end, so what is compared is the loss they reach.
"""

import json
import pathlib

import lightgbm as lgb
import numpy as np
import pandas as pd

ROOT = pathlib.Path(__file__).parents[2]
OUT = ROOT / "src" / "fit" / "tree" / "fixtures" / "adult.json"
ROWS = 4000
NUMERIC = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss"]
ROUNDS = 30
COMMON = dict(
    num_leaves=15, learning_rate=0.1, lambda_l2=1, min_data_in_leaf=20, min_sum_hessian_in_leaf=1e-3, max_bin=255,
    min_data_in_bin=1, deterministic=True, force_row_wise=True, num_threads=1, verbose=-1, cat_smooth=10, cat_l2=10,
)


def curve(x, y, categorical, **options):
    data = lgb.Dataset(x, y, categorical_feature=categorical, params=COMMON, free_raw_data=False)
    seen = {}
    lgb.train({**COMMON, **options}, data, ROUNDS, valid_sets=[data], callbacks=[lgb.record_evaluation(seen)])
    [losses] = seen["training"].values()
    return [round(float(loss), 9) for loss in losses]


def main():
    frame = pd.read_csv(ROOT / "data" / "adult" / "adult.csv.gz", skipinitialspace=True).head(ROWS)
    frame.columns = [name.replace("-", "_") for name in frame.columns]
    relations = {name: code for code, name in enumerate(sorted(frame["relationship"].unique()))}
    relation = frame["relationship"].map(relations).to_numpy()
    numbers = frame[NUMERIC].to_numpy(dtype=np.float64)
    x = np.column_stack([numbers, relation])
    income = frame["income"].str.startswith(">50K").astype(int).to_numpy()
    hours = frame["hours_per_week"].to_numpy(dtype=np.float64)
    overtime = np.maximum(0, hours - 40)
    missing = x.copy()
    missing[::3, 0] = np.nan
    goldens = {
        "logistic": curve(x, income, [5], objective="binary", metric="binary_logloss"),
        "logistic, missing": curve(missing, income, [5], objective="binary", metric="binary_logloss"),
        "squared": curve(x, hours, [5], objective="regression", metric="l2"),
        "poisson": curve(x, hours, [5], objective="poisson", metric="poisson", poisson_max_delta_step=1e-12),
        "gamma": curve(x, hours, [5], objective="gamma", metric="gamma"),
        "tweedie": curve(x, overtime, [5], objective="tweedie", metric="tweedie", tweedie_variance_power=1.4),
        "quantile": curve(x, hours, [5], objective="quantile", metric="quantile", alpha=0.8),
        "huber": curve(x, hours, [5], objective="huber", metric="huber", alpha=8),
        "softmax": curve(numbers, relation, [], objective="multiclass", num_class=6, metric="multi_logloss"),
    }
    OUT.write_text(json.dumps({"lightgbm": lgb.__version__, "rows": ROWS, "losses": goldens}, indent=1) + "\n")


main()
