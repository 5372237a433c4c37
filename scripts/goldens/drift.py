"""Goldens of drift: River's detectors on streams, SciPy's distances. Writes src/fit/online/fixtures/detectors.json and
src/summary/fixtures/distances.json.

Run: python scripts/goldens/drift.py      (river 0.26.1, scipy 1.17.1)

Streams are of 0 and 1 or of numbers, by a linear congruential generator (a, c of Numerical Recipes). KSWIN draws with a
generator of Sora's (src/random.ts) in place of Python's, so that both draw the same; all else of it is River's.
"""

import json
import pathlib

import numpy
import river
import scipy
from river import drift
from river.drift import binary, kswin
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

SRC = pathlib.Path(__file__).parents[2] / "src"
MASK = 0xFFFFFFFF


def mix32(h):
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & MASK
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & MASK
    return h ^ (h >> 16)


def combine32(h, word):
    return mix32(((h * 0x9E3779B1 + 0x7F4A7C15) & MASK) ^ mix32(word))


class Draws:
    """In place of random.Random: draws of test number `tests`, which goes on when River starts the detector again."""

    tests = 0

    def __init__(self, seed):
        self.seed = seed

    def sample(self, places, count):
        places = list(places)
        for i in range(count):
            word = combine32(combine32(mix32(self.seed), Draws.tests), i)
            j = i + int(word / 2**32 * (len(places) - i))
            places[i], places[j] = places[j], places[i]
        Draws.tests += 1
        return places[:count]


class FakeRandom:
    Random = Draws


kswin.random = FakeRandom


def stream(levels, is_binary):
    state = 1
    for index in range(2000 * len(levels)):
        state = (1664525 * state + 1013904223) % 2**32
        u, level = state / 2**32, levels[index // 2000]
        yield float(u < level) if is_binary else level + 0.3 * (u - 0.5)


LEVELS = [[0.2, 0.6, 0.1], [0.3, 0.4], [0.5], [0.05, 0.06, 0.5, 0.2]]
DETECTORS = [
    ({"name": "adwin", "delta": 0.002, "warning": 0}, lambda: drift.ADWIN(delta=0.002), (True, False)),
    ({"name": "page-hinkley"}, lambda: drift.PageHinkley(), (True, False)),
    (
        {"name": "page-hinkley", "threshold": 10, "delta": 0.01, "mode": "up"},
        lambda: drift.PageHinkley(threshold=10, delta=0.01, mode="up"),
        (True, False),
    ),
    ({"name": "page-hinkley", "threshold": 5, "mode": "down"}, lambda: drift.PageHinkley(threshold=5, mode="down"), (True, False)),
    ({"name": "kswin"}, lambda: drift.KSWIN(seed=1), (True, False)),
    (
        {"name": "kswin", "alpha": 0.0001, "window": 300, "latest": 100},
        lambda: drift.KSWIN(alpha=0.0001, window_size=300, stat_size=100, seed=1),
        (True, False),
    ),
    ({"name": "ddm"}, lambda: binary.DDM(), (True,)),
    ({"name": "ddm", "least": 100, "warning": 1.5, "drift": 2.5}, lambda: binary.DDM(100, 1.5, 2.5), (True,)),
    ({"name": "hddm-a"}, lambda: binary.HDDMA(), (True,)),
    (
        {"name": "hddm-a", "drift": 0.0001, "warning": 0.01, "twoSided": True},
        lambda: binary.HDDMA(0.0001, 0.01, True),
        (True,),
    ),
]


def detectors():
    cases = []
    for options, make, kinds in DETECTORS:
        for levels in LEVELS:
            for is_binary in kinds:
                Draws.tests = 0
                detector, found, warned = make(), [], []
                for index, value in enumerate(stream(levels, is_binary)):
                    detector.update(value)
                    if detector.drift_detected:
                        found.append(index)
                    elif getattr(detector, "warning_detected", False):
                        warned.append(index)
                case = {"detector": options, "levels": levels, "binary": is_binary, "found": found}
                if options["name"] in ("ddm", "hddm-a"):
                    case["warnings"] = len(warned)
                    case["sumOfWarned"] = sum(warned)
                cases.append(case)
    file = SRC / "fit" / "online" / "fixtures" / "detectors.json"
    file.write_text(json.dumps({"river": river.__version__, "cases": cases}) + "\n")


def tests():
    """Probabilities of the test of Kolmogorov and Smirnov: exact ones, and for large samples SciPy's asymptotic ones."""
    cases = []
    rng = numpy.random.default_rng(1)
    for a, b, shift in [(30, 30, 0.6), (100, 100, 0.2), (25, 40, 0.8), (7, 150, 0.5), (200, 199, 0.2), (3, 5, 0.0)]:
        x, y = rng.normal(0, 1, a), rng.normal(shift, 1, b)
        result = ks_2samp(x, y, method="exact")
        cases.append({"a": sorted(x), "b": sorted(y), "statistic": result.statistic, "p": result.pvalue})
    large = []
    for a, b, d in [(1000, 2000, 0.05), (5000, 300, 0.08), (20000, 20000, 0.014), (400, 120, 0.1), (50000, 900, 0.06), (1e6, 1e6, 0.002)]:
        n = round(a * b / (a + b))
        large.append({"a": a, "b": b, "statistic": d, "p": float(scipy.stats.kstwo.sf(d, n))})
    return {"exact": cases, "large": large}


def distances():
    """Jensen-Shannon divergence in bits, and the population stability index, of counts."""
    cases = []
    for p, q in [([10, 20, 30], [30, 20, 10]), ([100, 0, 5], [90, 10, 0]), ([1, 1], [1, 1]), ([5, 0], [0, 5]), ([3, 7, 11, 900], [4, 1, 80, 1000])]:
        cases.append({"reference": p, "against": q, "js": float(jensenshannon(p, q, base=2) ** 2)})
    return cases


detectors()
file = SRC / "summary" / "fixtures" / "distances.json"
file.parent.mkdir(exist_ok=True)
file.write_text(json.dumps({"scipy": scipy.__version__, "ks": tests(), "divergences": distances()}) + "\n")
