"""Goldens of SHAP values: the shap package and LightGBM on columns of Adult census income (data/adult).

Run: python scripts/goldens/shap-values.py      (shap 0.50.0, LightGBM 4.7.0, XGBoost 3.2.0, NumPy 2.4.6, pandas 3.1.1)

Trees of the peers are written as the arrays of a forest (src/model/forest.ts), so that what is compared is the
explanation and not the fit. shap's own TreeSHAP is given the same arrays in its form for other libraries, with
`tree_path_dependent`; its covers are row counts for LightGBM and sums of Hessians for XGBoost, as those say. LightGBM's
own pred_contrib stands for sets of categories, which shap's form has no words for. Left to right: a number goes left
when it is ≤ the threshold; XGBoost asks <, so its thresholds move to the next lower f32.
"""

import json
import pathlib

import lightgbm as lgb
import numpy as np
import pandas as pd
import shap
import xgboost as xgb

ROOT = pathlib.Path(__file__).parents[2]
OUT = ROOT / "src" / "explain" / "shap" / "fixtures" / "adult.json"
ROWS, SHOWN = 4000, 16
NUMERIC = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
COMMON = dict(num_leaves=12, learning_rate=0.2, min_data_in_leaf=10, deterministic=True, num_threads=1, verbose=-1)


def flatten(root, children, leaf, split):
    """Nodes breadth first, children side by side: one dict a node."""
    nodes, queue = [], [root]
    for node in queue:
        pair = children(node)
        if pair is None:
            nodes.append({"feature": -1, "left": 0, "threshold": 0, "missing": 0, **leaf(node)})
        else:
            nodes.append({"left": len(queue), "value": 0, **split(node)})
            queue.extend(pair)
    return nodes


def lightgbm_trees(model):
    def split(node):
        one = {"feature": node["split_feature"], "cover": node["internal_count"], "missing": int(node["default_left"])}
        if node["decision_type"] == "==":
            # Missing values and unknown categories go right at a set.
            return {**one, "missing": 0, "set": [int(code) for code in node["threshold"].split("||")]}
        return {**one, "threshold": node["threshold"]}

    trees = model.dump_model()["tree_info"]
    return [
        flatten(
            tree["tree_structure"],
            lambda node: (node["left_child"], node["right_child"]) if "split_feature" in node else None,
            lambda node: {"value": node["leaf_value"], "cover": node.get("leaf_count", 0)},
            split,
        )
        for tree in trees
    ]


def xgboost_trees(model, names):
    def flat(root):
        def children(node):
            if "leaf" in node:
                return None
            by_id = {child["nodeid"]: child for child in node["children"]}
            return by_id[node["yes"]], by_id[node["no"]]

        def split(node):
            below = np.nextafter(np.float32(node["split_condition"]), np.float32(-np.inf))
            missing = int(node["missing"] == node["yes"])
            return {"feature": names.index(node["split"]), "threshold": float(below), "cover": node["cover"], "missing": missing}

        nodes = flatten(root, children, lambda node: {"value": node["leaf"], "cover": node["cover"]}, split)
        # Covers are printed in f32: added up from the leaves, a parent has exactly what its children have.
        for node in reversed(nodes):
            if node["feature"] >= 0:
                node["cover"] = nodes[node["left"]]["cover"] + nodes[node["left"] + 1]["cover"]
        return nodes

    return [flat(json.loads(text)) for text in model.get_dump(dump_format="json", with_stats=True)]


def shap_form(nodes):
    inner = [node["feature"] >= 0 for node in nodes]
    left = [node["left"] if ok else -1 for node, ok in zip(nodes, inner)]
    right = [node["left"] + 1 if ok else -1 for node, ok in zip(nodes, inner)]
    default = [(l if node["missing"] else r) if ok else -1 for node, ok, l, r in zip(nodes, inner, left, right)]
    return {
        "children_left": np.array(left, dtype=np.int32),
        "children_right": np.array(right, dtype=np.int32),
        "children_default": np.array(default, dtype=np.int32),
        "features": np.array([node["feature"] for node in nodes], dtype=np.int32),
        "thresholds": np.array([node["threshold"] for node in nodes], dtype=np.float64),
        "values": np.array([[node["value"]] for node in nodes], dtype=np.float64),
        "node_sample_weight": np.array([node["cover"] for node in nodes], dtype=np.float64),
    }


def by_shap(trees, x):
    forms = [shap_form(tree) for tree in trees]
    explainer = shap.TreeExplainer({"trees": forms}, feature_perturbation="tree_path_dependent")
    values = np.asarray(explainer.shap_values(x, check_additivity=False)).reshape(len(x), x.shape[1])
    pairs = np.asarray(explainer.shap_interaction_values(x)).reshape(len(x), x.shape[1], x.shape[1])
    expected = float(np.ravel(explainer.expected_value)[0])
    return {"expected": expected, "values": values.tolist(), "interactions": pairs.round(12).tolist()}


def rows_of(x):
    return [[None if np.isnan(value) else float(value) for value in row] for row in x]


def main():
    frame = pd.read_csv(ROOT / "data" / "adult" / "adult.csv.gz", skipinitialspace=True).head(ROWS)
    frame.columns = [name.replace("-", "_").replace(".", "_") for name in frame.columns]
    x = frame[NUMERIC].to_numpy(dtype=np.float64).copy()
    x[::3, 0] = np.nan
    x[1::5, 3] = np.nan
    income = frame["income"].astype(str).str.contains(">50K").to_numpy().astype(int)
    codes = {
        name: frame[name].map({text: code for code, text in enumerate(sorted(frame[name].unique()))}).to_numpy()
        for name in ["education", "occupation", "relationship"]
    }
    shown = x[:SHOWN]

    binary = lgb.train({**COMMON, "objective": "binary", "boost_from_average": False}, lgb.Dataset(x, income), 12)
    trees = lightgbm_trees(binary)
    cases = {"lightgbm, binary": {"trees": [trees], "rows": rows_of(shown), "outputs": [by_shap(trees, shown)]}}

    three = codes["relationship"] % 3
    matrix = xgb.DMatrix(x.astype(np.float32), three, feature_names=NUMERIC)
    options = dict(objective="multi:softprob", num_class=3, max_depth=4, eta=0.3, nthread=1, tree_method="exact")
    multi = xgboost_trees(xgb.train(options, matrix, 4), NUMERIC)
    by_class = [multi[c::3] for c in range(3)]
    cases["xgboost, three classes"] = {
        "trees": by_class,
        "rows": rows_of(shown),
        "outputs": [by_shap(one, shown.astype(np.float32).astype(np.float64)) for one in by_class],
    }

    mixed = np.column_stack([x[:, 0], *codes.values()]).astype(np.float64)
    options = {**COMMON, "objective": "regression", "boost_from_average": False, "cat_smooth": 1, "min_data_per_group": 5}
    hours = frame["hours_per_week"].to_numpy(dtype=np.float64)
    sets = lgb.train(options, lgb.Dataset(mixed, hours, categorical_feature=[1, 2, 3]), 8)
    contributions = sets.predict(mixed[:SHOWN], pred_contrib=True)
    cases["lightgbm, categories"] = {
        "trees": [lightgbm_trees(sets)],
        "rows": rows_of(mixed[:SHOWN]),
        "outputs": [{"expected": float(contributions[0, -1]), "values": contributions[:, :-1].tolist()}],
    }
    versions = {"shap": shap.__version__, "lightgbm": lgb.__version__, "xgboost": xgb.__version__}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n")


main()
