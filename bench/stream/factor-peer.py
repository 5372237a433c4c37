"""River's side of factor.mjs: FILE; prints one JSON line. FILE holds rows of user, item, age, gender, occupation, rating."""
import json
import sys
import time

import river
from river import facto, optim

with open(sys.argv[1]) as stream:
    rows = [(x, y) for x, y in json.load(stream)]

MEAN = 3.5


def model(kind, factors):
    return kind(
        n_factors=factors,
        weight_optimizer=optim.AdaGrad(0.1),
        latent_optimizer=optim.AdaGrad(0.1),
        l2_weight=0.01,
        l2_latent=0.01,
        intercept=MEAN,
        seed=1,
    )


learners = {}
for name, kind, factors in (
    ("factorization-machine", facto.FMRegressor, 8),
    ("field-aware-machine", facto.FFMRegressor, 4),
):
    learner, absolute, squares = model(kind, factors), 0.0, 0.0
    start = time.process_time()
    for x, y in rows:
        error = learner.predict_one(x) - y
        absolute += abs(error)
        squares += error * error
        learner.learn_one(x, y)
    seconds = time.process_time() - start
    learners[name] = {
        "rowsPerSecond": len(rows) / seconds,
        "mae": absolute / len(rows),
        "rmse": (squares / len(rows)) ** 0.5,
    }
print(json.dumps({"version": river.__version__, "learners": learners}))
