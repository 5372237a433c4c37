"""The peers' side of the sparse benchmark: `vw ARGUMENT …` or `river LIBSVM ROWS ALPHA`; prints one JSON line.

Vowpal Wabbit runs its own driver in a process of its own (no Python a row); processor time is that of the process, less
that of one that reads no rows. River's rows are dictionaries beforehand.
"""
import json
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def drive(arguments):
    before = children()
    run = subprocess.run(
        [sys.executable, "-m", "vowpalwabbit", *arguments], capture_output=True, text=True, check=True
    )
    return children() - before, run.stdout + run.stderr


def vw(arguments):
    with tempfile.NamedTemporaryFile("w", suffix=".vw") as empty:
        idle = min(drive(["-d", empty.name])[0] for _ in range(3))
    cpu, text = drive(arguments)
    found = {name: re.search(rf"{name} = (\S+)", text) for name in ("number of examples", "average loss")}
    rows, loss = (float(match[1]) for match in found.values())
    import vowpalwabbit

    return {"version": vowpalwabbit.__version__, "rows": rows, "cpu": cpu - idle, "loss": loss}


def river(path, count, alpha):
    import river
    from river import linear_model, optim

    data = []
    with open(path) as stream:
        for _, line in zip(range(int(count)), stream):
            label, *pairs = line.split()
            x = {int(i): float(v) for i, v in (pair.split(":") for pair in pairs)}
            data.append(({**x, "constant": 1.0}, int(label) > 0))
    optimiser = optim.FTRLProximal(alpha=float(alpha), beta=1.0, l1=0.0, l2=0.0)
    model, loss = linear_model.LogisticRegression(optimiser, intercept_lr=0.0), 0.0
    start = time.process_time()
    for x, y in data:
        share = model.predict_proba_one(x)[y]
        loss -= math.log(max(share, 1e-15))
        model.learn_one(x, y)
    cpu = time.process_time() - start
    return {"version": river.__version__, "rows": len(data), "cpu": cpu, "loss": loss / len(data)}


os.environ["OMP_NUM_THREADS"] = "1"
print(json.dumps({"vw": lambda *a: vw(list(a)), "river": river}[sys.argv[1]](*sys.argv[2:])))
