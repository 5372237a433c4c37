"""Makes the data of the accuracy benchmark: for each set five folds, a CSV to learn from and one to judge on.

make.py DATA FOLDER SET…

Sora and every peer read the same files. Folds are random by a fixed seed, stratified by class where there are classes.
Large sets are sampled first. What stands in `set.json`: rows, task, target, exposure, the class that counts as positive.
"""
import gzip
import io
import json
import os
import sys

import numpy as np
import pandas as pd

FOLDS = 5
SEED = 7
ADULT = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
).split(",")


def adult(data):
    read = lambda name: pd.read_csv(
        f"{data}/adult/{name}", header=None, names=ADULT, skipinitialspace=True, na_values="?"
    )
    whole = pd.concat([read("adult.data"), read("adult.test")], ignore_index=True)
    whole["income"] = whole["income"].str.rstrip(".")
    return whole, dict(task="binary", target="income", positive=">50K")


def bank(data):
    return pd.read_csv(f"{data}/bank_marketing/bank-full.csv", sep=";"), dict(
        task="binary", target="y", positive="yes"
    )


def california(data):
    return pd.read_csv(f"{data}/california_housing/housing.csv"), dict(
        task="regression", target="median_house_value"
    )


def credit(data):
    with open(f"{data}/credit_default_taiwan/UCI_Credit_Card.csv", newline="") as file:
        text = file.read().replace("\r\n", "\n").replace("\r", "\n")
    whole = pd.read_csv(io.StringIO(text)).drop(columns="ID").rename(columns={"default.payment.next.month": "defaults"})
    return whole, dict(task="binary", target="defaults", positive="1")


def covertype(data):
    whole = pd.read_csv(f"{data}/covertype_92k/covertype_ramp_test.csv.gz")
    return whole, dict(task="multiclass", target="Cover_Type", sample=40_000)


def diamonds(data):
    return pd.read_csv(f"{data}/diamonds/diamonds.csv.gz"), dict(task="regression", target="price")


def ames(data):
    whole = pd.read_csv(f"{data}/ames_housing/ames.csv.gz").drop(columns=["rownames", "Order", "PID"])
    return whole, dict(task="regression", target="price")


def bike(data):
    whole = pd.read_csv(f"{data}/bike_sharing/hour.csv")
    # The first two say which row it is; the others add up to the target.
    return whole.drop(columns=["instant", "dteday", "casual", "registered"]), dict(task="regression", target="cnt")


def kdd99(data):
    whole = pd.read_csv(gzip.open(f"{data}/kdd99/kddcup.data_10_percent.gz"), header=None)
    whole.columns = [f"f{i}" for i in range(whole.shape[1] - 1)] + ["attack"]
    whole["attack"] = whole["attack"].str.rstrip(".")
    return whole, dict(task="multiclass", target="attack", sample=40_000, least=10)


def claims(data):
    whole = pd.read_csv(f"{data}/freMTPL2/freMTPL2freq.derived.csv.gz").drop(columns="IDpol")
    return whole, dict(task="poisson", target="ClaimNb", exposure="Exposure", sample=100_000)


def traffic(data):
    whole = pd.read_csv(f"{data}/metro_traffic/Metro_Interstate_Traffic_Volume.csv.gz", keep_default_na=False)
    return whole, dict(task="regression", target="traffic_volume", times=["date_time"])


def compas(data):
    whole = pd.read_csv(f"{data}/compas/compas-scores-two-years.csv.gz")
    # What is known at the screening; the file also tells what happened later, and the scores of others.
    columns = (
        "sex,age,race,juv_fel_count,juv_misd_count,juv_other_count,priors_count,days_b_screening_arrest,"
        "c_days_from_compas,c_charge_degree,c_charge_desc,two_year_recid"
    ).split(",")
    return whole[columns], dict(task="binary", target="two_year_recid", positive="1")


SETS = dict(
    adult=adult, bank=bank, california=california, credit=credit, covertype=covertype, diamonds=diamonds, ames=ames,
    bike=bike, kdd99=kdd99, claims=claims, traffic=traffic, compas=compas,
)


def make(data, folder, name):
    whole, known = SETS[name](data)
    random = np.random.default_rng(SEED)
    total = len(whole)
    if "sample" in known:
        whole = whole.iloc[np.sort(random.permutation(total)[: known.pop("sample")])]
    target = whole[known["target"]]
    if "least" in known:
        counts = target.value_counts()
        whole = whole[target.isin(counts.index[counts >= known.pop("least")])]
        target = whole[known["target"]]
    fold = np.empty(len(whole), dtype=np.int64)
    classes = target if known["task"] in ("binary", "multiclass") else pd.Series(0, index=whole.index)
    for _, rows in pd.Series(np.arange(len(whole))).groupby(classes.to_numpy()):
        fold[random.permutation(rows.to_numpy())] = np.arange(len(rows)) % FOLDS
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    for k in range(FOLDS):
        whole[fold != k].to_csv(f"{folder}/{name}/train{k}.csv", index=False)
        whole[fold == k].to_csv(f"{folder}/{name}/test{k}.csv", index=False)
    with open(f"{folder}/{name}/set.json", "w") as file:
        json.dump({"rows": len(whole), "of": total, "columns": whole.shape[1] - 1, **known}, file)


if __name__ == "__main__":
    for name in sys.argv[3:]:
        make(sys.argv[1], sys.argv[2], name)
    print(json.dumps({"made": sys.argv[3:]}))
