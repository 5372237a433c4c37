"""Goldens of features over time: lags and statistics of windows by pandas. Writes src/recipe/history/fixtures/pandas.json.

Run: python scripts/goldens/history.py      (pandas 2.3.3)

Two series whose times are an hour to four apart, a fifth of the values missing; generator of Numerical Recipes. A window of
rows is shift(1) and rolling(n), one of time rolling("9h", closed="left"), a lag of time the newest row at t - d or before
(merge_asof). What pandas has no value for is null here; its counts of empty windows are 0.
"""

import json
import pathlib

import pandas

OUT = pathlib.Path(__file__).parents[2] / "src/recipe/history/fixtures/pandas.json"
STATISTICS = ["mean", "std", "min", "max", "count"]


def draws(seed):
    state = seed
    while True:
        state = (1664525 * state + 1013904223) % 2**32
        yield state / 2**32


def rows_of(key, seed, count):
    draw, hour = draws(seed), 0
    for _ in range(count):
        hour += 1 + int(4 * next(draw))
        value = round(100 * next(draw), 3)
        yield {"at": hour, "key": key, "x": None if next(draw) < 0.2 else value}


def features(series):
    series = series.reset_index(drop=True)
    x = series["x"].astype("float64")
    times = pandas.to_datetime(series["at"], unit="h")
    out = {f"x lag {n}": x.shift(n) for n in (1, 3, 10)}
    left = pandas.DataFrame({"at": times - pandas.Timedelta("6h")})
    out["x lag 6h"] = pandas.merge_asof(left, pandas.DataFrame({"at": times, "x": x}), on="at")["x"]
    by_time = pandas.Series(x.values, index=times)
    for name in STATISTICS:
        out[f"x {name} 7"] = getattr(x.shift(1).rolling(7, min_periods=0 if name == "count" else 1), name)()
        timed = by_time.rolling("9h", closed="left", min_periods=0 if name == "count" else 1)
        out[f"x {name} 9h"] = getattr(timed, name)().reset_index(drop=True)
    return pandas.DataFrame(out)


rows = sorted(
    [*rows_of("a", 1, 60), *rows_of("b", 2, 60)], key=lambda row: (row["at"], row["key"])
)
table = pandas.DataFrame(rows)
found = pandas.concat(
    features(series).set_index(series.index) for _, series in table.groupby("key")
).sort_index()
columns = {name: [None if pandas.isna(v) else float(v) for v in values] for name, values in found.items()}
OUT.write_text(json.dumps({"pandas": pandas.__version__, "rows": rows, "features": columns}) + "\n")
