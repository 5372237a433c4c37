"""Makes the data of the update benchmark: of each set a base, a first append and a second one.

make.py DATA FOLDER SET…

Rows are shuffled by a fixed seed, then cut at 90 % and 91 %: the appends are 1.1 % and 11 % of the base. Writes
FOLDER/SET/{base,one,ten}.{csv,parquet,ndjson} and set.json.
"""
import gzip
import json
import os
import sys

import numpy as np
import pandas as pd

SEED = 7
ADULT = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
).split(",")


def adult(data):
    read = lambda name: pd.read_csv(
        f"{data}/adult/{name}", header=None, names=ADULT, skipinitialspace=True, na_values="?", comment="|"
    )
    whole = pd.concat([read("adult.data"), read("adult.test")], ignore_index=True)
    whole["income"] = whole["income"].str.rstrip(".")
    return whole, dict(target="income", positive=">50K")


def kdd99(data):
    whole = pd.read_csv(gzip.open(f"{data}/kdd99/kddcup.data_10_percent.gz"), header=None)
    whole.columns = [f"f{i}" for i in range(whole.shape[1] - 1)] + ["attack"]
    whole["attack"] = np.where(whole["attack"] == "normal.", "normal", "attack")
    return whole, dict(target="attack")


def fremtpl2(data):
    whole = pd.read_csv(f"{data}/freMTPL2/freMTPL2freq.derived.csv.gz").drop(columns="IDpol")
    return whole, dict(target="ClaimNb", exposure="Exposure")


def a9a(data):
    rows = []
    for line in open(f"{data}/a9a/a9a.derived.libsvm"):
        label, *entries = line.split()
        rows.append((label, [int(entry.split(":")[0]) for entry in entries]))
    wide = np.zeros((len(rows), 124), dtype=np.int8)
    for row, (_, entries) in enumerate(rows):
        wide[row, entries] = 1
    whole = pd.DataFrame(wide[:, 1:], columns=[f"x{i}" for i in range(1, 124)])
    whole["y"] = ["yes" if float(label) > 0 else "no" for label, _ in rows]
    return whole, dict(target="y")


def newsgroups(data):
    whole = pd.read_json(gzip.open(f"{data}/newsgroups20/20_newsgroups.derived.jsonl.gz"), lines=True)
    return whole.drop(columns="id"), dict(target="label", file="ndjson")


def generated(data, rows=1_000_000, features=28):
    """Correlated and skewed numbers, a label with an interaction that no linear model has."""
    random = np.random.default_rng(SEED)
    shared = random.standard_normal(rows)
    weights = 0.4 * random.standard_normal(features)
    x = random.standard_normal((rows, features)).astype(np.float32)
    x[:, ::4] = 0.7 * shared[:, None] + 0.7 * x[:, ::4]
    x[:, 5::7] = 3 * np.abs(x[:, 5::7])
    margin = x @ weights - 0.3 + 0.5 * x[:, 0] * x[:, 1]
    whole = pd.DataFrame(x, columns=[f"x{i}" for i in range(features)])
    whole["y"] = np.where(random.random(rows) < 1 / (1 + np.exp(-margin)), "yes", "no")
    return whole, dict(target="y", file="parquet")


def generated4m(data):
    return generated(data, rows=4_000_000)


SETS = dict(adult=adult, kdd99=kdd99, fremtpl2=fremtpl2, a9a=a9a, newsgroups=newsgroups, generated=generated, generated4m=generated4m)


def make(data, folder, name):
    whole, known = SETS[name](data)
    whole = whole.iloc[np.random.default_rng(SEED).permutation(len(whole))]
    kind = known.pop("file", "csv")
    first, second = int(0.9 * len(whole)), int(0.91 * len(whole))
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    for part, rows in dict(base=whole[:first], one=whole[first:second], ten=whole[second:]).items():
        path = f"{folder}/{name}/{part}.{kind}"
        if kind == "csv":
            rows.to_csv(path, index=False)
        elif kind == "parquet":
            rows.to_parquet(path, index=False)
        else:
            rows.to_json(path, orient="records", lines=True)
    with open(f"{folder}/{name}/set.json", "w") as file:
        json.dump(dict(name=name, rows=len(whole), kind=kind, **known), file)


if __name__ == "__main__":
    for one in sys.argv[3:]:
        make(sys.argv[1], sys.argv[2], one)
