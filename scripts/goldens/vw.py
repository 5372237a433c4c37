"""Slots of features as Vowpal Wabbit has them: writes src/ingest/fixtures/vw-slots.json. Needs vowpalwabbit==9.11.9.

Each text is learned by Vowpal Wabbit itself, whose readable model (`--invert_hash`) names every feature's slot.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import vowpalwabbit

CASES = [
    {"bits": 18, "interactions": [], "line": "1 |f 9:0.25 14 47236:3 name=bob café 日本 x a^b 007"},
    {"bits": 18, "interactions": [], "line": "1 | plain 5:2 | 6"},
    {"bits": 24, "interactions": [], "line": "1 2.0 0.5 'tag|user:2 age:0.5 17 |item price:2 |user age2:-1e-1"},
    {"bits": 18, "interactions": [], "line": "1 |12 a 5 |名前 b 5"},
    {"bits": 20, "interactions": ["ui"], "line": "1 |user age:0.5 name=bob 17 |item price:2 17:3"},
    {"bits": 18, "interactions": ["aa"], "line": "1 |a x:2 y z:0.5"},
    {"bits": 18, "interactions": ["ab", "bc"], "line": "1 |a x |b y:2 9 |c 1 2"},
    {"bits": 18, "interactions": [], "line": "1 |a color:red color:2"},
    {"bits": 10, "interactions": [], "line": "1 |some one two three four five abcd abcdefg"},
]


def slots(case):
    with tempfile.TemporaryDirectory() as folder:
        text, model = os.path.join(folder, "x.vw"), os.path.join(folder, "model.txt")
        pathlib.Path(text).write_text(case["line"] + "\n", encoding="utf-8")
        words = ["-d", text, "--invert_hash", model, "-b", str(case["bits"]), "--noconstant", "--quiet"]
        words += [word for pair in case["interactions"] for word in ("-q", pair)]
        subprocess.run([sys.executable, "-m", "vowpalwabbit", *words], check=True)
        lines = pathlib.Path(model).read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines[next(i for i, line in enumerate(lines) if line.startswith("l2_state")) + 1 :]:
        name, slot, _ = line.rsplit(":", 2)
        found[name] = int(slot)
    return found


out = pathlib.Path(__file__).parents[2] / "src/ingest/fixtures/vw-slots.json"
cases = [{**case, "slots": slots(case)} for case in CASES]
out.write_text(json.dumps({"vw": vowpalwabbit.__version__, "cases": cases}, indent=1, ensure_ascii=False) + "\n")
