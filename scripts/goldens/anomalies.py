"""Goldens of half-space trees: River's scores of real connections. Writes src/fit/online/fixtures/anomalies.json.

Run: SORA_DATA=<folder of data sets> python scripts/goldens/anomalies.py      (river 0.26.1)

Connections of one service of KDD Cup 1999 (10 %), in order, by the logarithms of their length and their bytes, as Tan,
Ting & Liu (IJCAI 2011) took them; whatever is no "normal." is to be found. A row is scored before it is learned. The
area under the ROC curve is that of all rows; the first window of 250, where nothing is known yet, is left out.
"""

import gzip
import json
import math
import os
import pathlib
import time

import river
from river import anomaly, preprocessing

OUT = pathlib.Path(__file__).parents[2] / "src" / "fit" / "online" / "fixtures" / "anomalies.json"
DATA = pathlib.Path(os.environ.get("SORA_DATA", pathlib.Path(__file__).parents[3] / "shared" / "data"))
WINDOW, TREES, HEIGHT, SEEDS = 250, 25, 8, (1, 2, 3)


def connections(service):
    with gzip.open(DATA / "kdd99" / "kddcup.data_10_percent.gz", "rt") as stream:
        for line in stream:
            cells = line.rstrip("\n").split(",")
            if cells[2] == service:
                x = {name: math.log(float(cells[at]) + 0.1) for name, at in (("duration", 0), ("from", 4), ("to", 5))}
                yield x, cells[-1] != "normal."


def area(scores, labels):
    """Mann & Whitney, ties counting one half."""
    ordered = sorted(zip(scores, labels))
    ranks, at = 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        ranks += sum(label for _, label in ordered[at:end]) * (at + end + 1) / 2
        at = end
    ones = sum(labels)
    return (ranks - ones * (ones + 1) / 2) / (ones * (len(labels) - ones))


def run(data, seed):
    model = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(
        n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=seed
    )
    scores, start = [], time.process_time()
    for x, _ in data:
        scores.append(model.score_one(x))
        model.learn_one(x)
    seconds = time.process_time() - start
    return area(scores[WINDOW:], [y for _, y in data][WINDOW:]), round(seconds, 3)


result = {"river": river.__version__, "window": WINDOW, "trees": TREES, "height": HEIGHT, "services": {}}
for service in ("http", "smtp"):
    data = list(connections(service))
    runs = [run(data, seed) for seed in SEEDS]
    result["services"][service] = {
        "rows": len(data),
        "anomalies": sum(y for _, y in data),
        "areas": [auc for auc, _ in runs],
        "seconds": sum(seconds for _, seconds in runs) / len(runs),
    }
    print(service, result["services"][service], flush=True)
OUT.write_text(json.dumps(result, indent=1) + "\n")
