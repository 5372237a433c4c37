"""Makes the data of the transfer benchmark: transfer.py DATA FOLDER SET SEEDS SIZES

Of each set FOLDER/SET/source.csv, test.csv and <size>-<seed>.csv: rows of the other place or time to learn from.
"""
import os
import sys

import numpy as np
import pandas as pd


def taxi(data):
    """Minutes of a ride, January 2022 to January 2023, where one column has another name and three are new."""
    def read(year):
        rides = pd.read_parquet(f"{data}/nyc_green_taxi/green_tripdata_{year}-01.parquet")
        begin = rides["lpep_pickup_datetime"]
        rides["minutes"] = (rides["lpep_dropoff_datetime"] - begin).dt.total_seconds() / 60
        rides["hour"], rides["weekday"] = begin.dt.hour, begin.dt.dayofweek
        rides["pickup"] = "z" + rides["PULocationID"].astype(str)
        rides["dropoff"] = "z" + rides["DOLocationID"].astype(str)
        return rides[(rides["minutes"] > 1) & (rides["minutes"] < 90) & (rides["trip_distance"] < 50)]

    columns = ["trip_distance", "hour", "weekday", "pickup", "dropoff", "minutes"]
    later = read(2023)
    later["payment_type"] = "p" + later["payment_type"].fillna(0).astype(int).astype(str)
    target = later[columns + ["passenger_count", "payment_type", "tolls_amount"]].rename(
        columns={"trip_distance": "distance"}
    )
    return read(2022)[columns], target


def california(data):
    """House values of the north (from 36° N) to the south: the same columns, without the coordinates."""
    whole = pd.read_csv(f"{data}/california_housing/housing.csv")
    north = whole["latitude"] > 36
    whole = whole.drop(columns=["latitude", "longitude"])
    whole["ocean_proximity"] = whole["ocean_proximity"].replace({"NEAR BAY": "NEAR OCEAN", "ISLAND": "NEAR OCEAN"})
    whole["median_house_value"] /= 1000
    return whole[north], whole[~north]


def bike(data):
    """Rentals an hour, 2011 to 2012."""
    whole = pd.read_csv(f"{data}/bike_sharing/hour.csv").drop(columns=["instant", "dteday", "casual", "registered"])
    whole["weathersit"] = "w" + whole["weathersit"].astype(str)
    return whole[whole["yr"] == 0].drop(columns="yr"), whole[whole["yr"] == 1].drop(columns="yr")


def main(data, folder, name, seeds, sizes):
    source, target = dict(taxi=taxi, california=california, bike=bike)[name](data)
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    order = np.random.default_rng(7).permutation(len(target))
    test, pool = target.iloc[order[:5000]], target.iloc[order[5000:]]
    source.to_csv(f"{folder}/{name}/source.csv", index=False)
    test.to_csv(f"{folder}/{name}/test.csv", index=False)
    # Draws 1 to 5 chose the defaults; these were not looked at before.
    for seed in range(11, seeds + 11):
        shuffled = pool.sample(frac=1, random_state=seed)
        for size in sizes:
            shuffled[:size].to_csv(f"{folder}/{name}/{size}-{seed}.csv", index=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), [int(size) for size in sys.argv[5].split(",")])
