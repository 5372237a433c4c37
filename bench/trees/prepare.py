"""Data sets of the tree benchmark as one matrix that every contestant learns from.

prepare.py NAME DATA_FOLDER OUT [CSV]

Numbers as they are, categories as integer codes in the order of their names, missing values as NaN. Writes OUT.x.f32
(row by row), OUT.y.f64, for counts OUT.e.f64 (the exposure), then OUT.json. What is random here is seeded.
"""
import json
import sys

import numpy as np
import pandas as pd

name, folder, out = sys.argv[1:4]


def coded(frame):
    """Columns as f32; those of strings as codes of their sorted values."""
    columns = []
    for column in frame:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values):
            columns.append(values.to_numpy(np.float32, na_value=np.nan))
        else:
            codes = pd.Categorical(values).codes.astype(np.float32)
            columns.append(np.where(codes < 0, np.nan, codes).astype(np.float32))
    return np.column_stack(columns)


def dense():
    frame = pd.read_csv(sys.argv[4])
    return coded(frame.drop(columns="y")), frame["y"] > 0, None, "binary"


def covertype():
    """Rows drawn with replacement: what there is has a sixth of the rows of the original."""
    frame = pd.read_csv(f"{folder}/covertype_92k/covertype_ramp_test.csv.gz")
    frame = frame.iloc[np.random.default_rng(7).integers(0, len(frame), 300_000)]
    return coded(frame.drop(columns="Cover_Type")), frame["Cover_Type"], None, "multiclass"


ATTACKS = {
    "normal": "normal",
    "dos": "back land neptune pod smurf teardrop",
    "probe": "ipsweep nmap portsweep satan",
    "r2l": "ftp_write guess_passwd imap multihop phf spy warezclient warezmaster",
    "u2r": "buffer_overflow loadmodule perl rootkit",
}


def kdd99():
    """The five kinds of connections that the contest was scored by."""
    kinds = {f"{name}.": kind for kind, names in ATTACKS.items() for name in names.split()}
    frame = pd.read_csv(f"{folder}/kdd99/kddcup.data_10_percent.gz", header=None)
    return coded(frame.iloc[:, :-1]), frame.iloc[:, -1].map(kinds).to_numpy(str), None, "multiclass"


def fremtpl2():
    frame = pd.read_csv(f"{folder}/freMTPL2/freMTPL2freq.derived.csv.gz")
    inputs = frame.drop(columns=["IDpol", "ClaimNb", "Exposure"])
    return coded(inputs), frame["ClaimNb"], frame["Exposure"], "count"


def tennis():
    """Who wins, from what is known before the match; the sides are swapped at random."""
    frame = pd.read_csv(f"{folder}/tennis_matches/atp_matches_all.concat.csv.gz", low_memory=False)
    sides = ["id", "seed", "entry", "hand", "ht", "ioc", "age", "rank", "rank_points"]
    inputs = frame[["surface", "draw_size", "tourney_level", "tourney_date", "match_num", "best_of", "round"]].copy()
    swap = np.random.default_rng(7).random(len(frame)) < 0.5
    for side in sides:
        pair = frame[[f"winner_{side}", f"loser_{side}"]]
        if side == "seed":
            pair = pair.apply(pd.to_numeric, errors="coerce")
        first, second = pair.iloc[:, 0], pair.iloc[:, 1]
        inputs[f"a_{side}"] = first.where(~swap, second)
        inputs[f"b_{side}"] = second.where(~swap, first)
    return coded(inputs), ~swap, None, "binary"


x, y, exposure, task = {
    "dense": dense, "covertype": covertype, "kdd99": kdd99, "fremtpl2": fremtpl2, "tennis": tennis,
}[name]()
classes = 1
if task == "multiclass":
    labels, y = np.unique(y, return_inverse=True)
    classes = len(labels)
np.ascontiguousarray(x, np.float32).tofile(f"{out}.x.f32")
np.asarray(y, np.float64).tofile(f"{out}.y.f64")
if exposure is not None:
    np.asarray(exposure, np.float64).tofile(f"{out}.e.f64")
with open(f"{out}.json", "w") as file:
    json.dump({"rows": len(x), "features": x.shape[1], "task": task, "classes": classes}, file)
print(json.dumps({"rows": len(x)}))
