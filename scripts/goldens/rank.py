"""Goldens of rankings: NDCG by iteration of LightGBM's lambdarank on generated queries.

Run: python scripts/goldens/rank.py      (LightGBM 4.7.0, NumPy 2.4.6)

480 queries of 5 to 40 rows with ten features; src/fit/tree/rank.test.ts generates the same rows by the same integer
hashes. The first 320 are learned from. Same leaves, rate, penalties and bins on both sides. scikit-learn's NDCG with
gains 2^y - 1 is the golden of the metric.
"""

import json
import pathlib

import lightgbm as lgb
import numpy as np
from sklearn.metrics import ndcg_score

OUT = pathlib.Path(__file__).parents[2] / "src" / "fit" / "tree" / "fixtures" / "rank.json"
QUERIES, LEARNED, FEATURES, ROUNDS = 480, 320, 10, 40
COMMON = dict(
    objective="lambdarank", metric="ndcg", eval_at=[10], num_leaves=15, learning_rate=0.1, lambda_l2=1,
    min_data_in_leaf=20, min_sum_hessian_in_leaf=1e-3, max_bin=255, min_data_in_bin=1, deterministic=True,
    force_row_wise=True, num_threads=1, verbose=-1,
)


def mix32(x):
    x = np.asarray(x, dtype=np.uint64) & 0xFFFFFFFF
    x = (x ^ (x >> 16)) * 0x85EBCA6B & 0xFFFFFFFF
    x = (x ^ (x >> 13)) * 0xC2B2AE35 & 0xFFFFFFFF
    return x ^ (x >> 16)


def level(query, row, column):
    """A whole number from 0 to 1023."""
    return (mix32(query * 4096 + row * 64 + column + 1) >> 22).astype(np.int64)


def queries():
    for query in range(QUERIES):
        rows = np.arange(5 + int(level(query, 0, 60)) % 36)
        x = np.stack([level(query, rows, column) for column in range(FEATURES)], axis=1)
        noise = level(query, rows, 61) + level(query, rows, 62) + level(query, 0, 63)
        value = 2 * x[:, 0] + x[:, 1] * x[:, 2] // 512 + 1024 * (x[:, 3] > 700) + noise
        yield x.astype(np.float64), np.minimum(4, np.maximum(0, (value - 2600) // 700)).astype(int)


def main():
    data = list(queries())
    parts = {"learned": data[:LEARNED], "other": data[LEARNED:]}
    sets = {
        name: (np.concatenate([x for x, _ in part]), np.concatenate([y for _, y in part]), [len(y) for _, y in part])
        for name, part in parts.items()
    }
    x, y, group = sets["learned"]
    learned = lgb.Dataset(x, y, group=group, params=COMMON, free_raw_data=False)
    seen = {}
    model = lgb.train(COMMON, learned, ROUNDS, valid_sets=[learned], callbacks=[lgb.record_evaluation(seen)])
    scores = [
        ndcg_score([2.0**labels - 1], [model.predict(features)], k=10)
        for features, labels in parts["other"]
        if labels.max() > 0
    ]
    first, labels = parts["other"][0]
    ties = first[:, 4] // 256
    print(np.bincount(y), x.shape, sum(labels.max() == 0 for _, labels in data))
    golden = {
        "lightgbm": lgb.__version__,
        "rows": len(y),
        "relevance": np.bincount(y).tolist(),
        "learned": [round(float(value), 9) for value in seen["training"]["ndcg@10"]],
        "other": float(np.mean(scores)),
        "error": float(np.std(scores, ddof=1) / len(scores) ** 0.5),
        "ties": {
            "labels": labels.tolist(),
            "scores": ties.tolist(),
            "ndcg": {str(k): float(ndcg_score([2.0**labels - 1], [ties], k=k)) for k in (1, 5, 10)},
        },
    }
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


main()
