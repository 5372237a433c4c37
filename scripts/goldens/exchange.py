"""Models of LightGBM and XGBoost with what they predict, as goldens of their import.

    python scripts/goldens/exchange.py import     # writes src/model/exchange/fixtures
    npm run build && node scripts/goldens/exchange.mjs && python scripts/goldens/exchange.py export

The second line lets LightGBM and onnxruntime 1.32.0 predict with what Sora exported. Made with LightGBM 4.7.0, XGBoost 3.2.0, pandas 3.1.1, numpy 2.4.6. Features are f32, since Sora's are. The rows that are
predicted hold what training did not: missing values everywhere, infinities, zeros, categories that were never seen.
"""
import json
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb

FOLDER = Path(__file__).parents[2] / "src/model/exchange/fixtures"
LEVELS = ["red", "green", "blue", "cyan", "pink", "grey", "gold"]
rng = np.random.default_rng(20)


def frame(rows, missing=True, odd=False):
    """Numbers x0 … x3 (x1 often 0, x2 may be missing), a whole-number category `code`, a named one `colour`."""
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    x[rng.random(rows) < 0.4, 1] = 0
    if missing:
        x[rng.random(rows) < 0.2, 2] = np.nan
    if odd:
        x[rng.random((rows, 4)) < 0.15] = np.nan
        x[0], x[1], x[2] = np.inf, -np.inf, 0
        x[3] = np.float32(1e-36)
        x[4] = np.float32(-1e-36)
    data = pd.DataFrame({f"x{i}": x[:, i] for i in range(4)})
    data["code"] = rng.integers(0, 40, rows)
    data["colour"] = pd.Categorical(rng.choice(LEVELS, rows), categories=LEVELS)
    if odd:
        data.loc[rng.random(rows) < 0.2, "colour"] = np.nan
        data.loc[5:7, "code"] = 77
    return data


def label(data, kind):
    x1, x2 = data["x1"].to_numpy(), np.nan_to_num(data["x2"].to_numpy(), nan=1.5)
    z = data["x0"] * x1 + np.sin(2 * x2) + (data["code"] % 3 == 1) + data["colour"].isin(["red", "pink"]) * 0.7
    z = z.to_numpy() + 0.3 * rng.normal(size=len(data))
    if kind == "number":
        return 100 + 10 * z
    if kind == "count":
        return rng.poisson(np.exp(z / 2))
    return np.digitize(z, [0.8] if kind == "binary" else [0.2, 1.1])


def cells(column):
    return [None if pd.isna(v) else v if isinstance(v, str) else str(v) if np.isinf(v) else float(v) for v in column]


def record(columns, raw, prediction, **more):
    flat = lambda a: np.asarray(a, dtype=np.float64).ravel().tolist()
    return {"columns": {name: cells(columns[name]) for name in columns}, "raw": flat(raw), "prediction": flat(prediction), **more}


def lightgbm_case(name, kind, options, names=("x0", "x1", "x2", "x3"), categorical=()):
    data, test = frame(600), frame(60, odd=True)
    y = label(data, kind)
    data, test = data[list(names)], test[list(names)]
    defaults = dict(num_leaves=10, learning_rate=0.3, min_data_in_leaf=5, verbose=-1, seed=3, num_threads=1,
                    deterministic=True, min_data_per_group=5, cat_smooth=2, max_cat_to_onehot=2)
    model = lgb.train({**defaults, **options}, lgb.Dataset(data, y, categorical_feature=list(categorical) or "auto"), 8)
    model.save_model(FOLDER / f"{name}.txt")
    return record(test, model.predict(test, raw_score=True), model.predict(test), file=f"{name}.txt")


def xgboost_case(name, kind, options, names=("x0", "x1", "x2", "x3"), rounds=8):
    data, test = frame(600), frame(60, odd=True)
    y = label(data, kind)
    data, test = data[list(names)], test[list(names)]
    test = test[~np.isinf(test).any(axis=1)] if "colour" not in names else test[~np.isinf(test.drop(columns="colour")).any(axis=1)]
    for one in (data, test):
        if "code" in names:
            one["code"] = pd.Categorical(one["code"], categories=range(40))
    defaults = dict(max_depth=4, eta=0.3, tree_method="hist", seed=3, nthread=1, max_cat_to_onehot=2)
    matrix = lambda d, y=None: xgb.DMatrix(d, y, enable_categorical=True)
    model = xgb.train({**defaults, **options}, matrix(data, y), rounds)
    model.save_model(FOLDER / f"{name}.json")
    kept = model.predict(matrix(test), output_margin=True), model.predict(matrix(test))
    return record(test, *kept, file=f"{name}.json")


ALL = ("x0", "x1", "x2", "x3", "code", "colour")
NAMED = ("x0", "x2", "colour")


def imports():
    FOLDER.mkdir(exist_ok=True)
    goldens = {
        "lightgbm-regression": lightgbm_case("lightgbm-regression", "number", dict(objective="regression")),
        "lightgbm-binary-categories": lightgbm_case(
            "lightgbm-binary-categories", "binary", dict(objective="binary"), ("x0", "x2", "code"), ("code",)),
        "lightgbm-multiclass-pandas": lightgbm_case(
            "lightgbm-multiclass-pandas", "multiclass", dict(objective="multiclass", num_class=3), NAMED),
        "lightgbm-poisson": lightgbm_case("lightgbm-poisson", "count", dict(objective="poisson")),
        "lightgbm-no-missing": lightgbm_case(
            "lightgbm-no-missing", "binary", dict(objective="binary", use_missing=False, sigmoid=2)),
        "lightgbm-dart": lightgbm_case("lightgbm-dart", "number", dict(objective="regression", boosting="dart", drop_rate=0.5)),
        "lightgbm-forest": lightgbm_case("lightgbm-forest", "number", dict(
            objective="regression", boosting="rf", bagging_fraction=0.6, bagging_freq=1)),
        "xgboost-regression": xgboost_case("xgboost-regression", "number", dict(objective="reg:squarederror")),
        "xgboost-binary-categories": xgboost_case("xgboost-binary-categories", "binary", dict(objective="binary:logistic"), ALL),
        "xgboost-multiclass": xgboost_case("xgboost-multiclass", "multiclass", dict(objective="multi:softprob", num_class=3), NAMED),
        "xgboost-poisson": xgboost_case("xgboost-poisson", "count", dict(objective="count:poisson")),
        "xgboost-dart": xgboost_case("xgboost-dart", "number", dict(booster="dart", rate_drop=0.5, objective="reg:squarederror")),
    }
    versions = {"lightgbm": lgb.__version__, "xgboost": xgb.__version__, "pandas": pd.__version__, "numpy": np.__version__}
    text = json.dumps({"versions": versions, "cases": goldens})
    (FOLDER / "imports.json").write_text(text + "\n")


def exports():
    """What LightGBM and onnxruntime make of exported models, from the features of rows (NaN where missing)."""
    import onnxruntime as ort

    made = json.loads((FOLDER / "exports/rows.json").read_text())
    goldens = {}
    for name, one in made.items():
        x = np.array([[np.nan if v is None else v for v in row] for row in one["rows"]], dtype=np.float32)
        booster = lgb.Booster(model_file=FOLDER / f"exports/{name}.txt")
        session = ort.InferenceSession(FOLDER / f"exports/{name}.onnx")
        outputs = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"features": x})))
        flat = lambda a: np.asarray(a, dtype=np.float64).ravel().tolist()
        goldens[name] = {
            "rows": one["rows"],
            "lightgbm": {"raw": flat(booster.predict(x, raw_score=True)), "prediction": flat(booster.predict(x))},
            "onnx": {k: list(v) if k == "label" else flat(v) for k, v in outputs.items()},
        }
    check_names()
    versions = {"lightgbm": lgb.__version__, "onnxruntime": ort.__version__, "numpy": np.__version__}
    (FOLDER / "exports.json").write_text(json.dumps({"versions": versions, "cases": goldens}) + "\n")
    (FOLDER / "exports/rows.json").unlink()


def check_names():
    """An exported model knows its categories by name: LightGBM predicts a data frame as XGBoost did before the export."""
    one = json.loads((FOLDER / "imports.json").read_text())["cases"]["xgboost-multiclass"]
    data = pd.DataFrame({k: pd.Categorical(v) if k == "colour" else np.array(v, dtype=np.float32) for k, v in one["columns"].items()})
    found = lgb.Booster(model_file=FOLDER / "exports/xgboost-multiclass.txt").predict(data)
    np.testing.assert_allclose(found.ravel(), one["prediction"], rtol=0, atol=1e-6)


if __name__ == "__main__":
    {"import": imports, "export": exports}[sys.argv[1]]()
