"""Coefficients of kernels/elementary.ts and src/kernel/elementary.ts: near-minimax polynomials by Chebyshev fit
in 60 digits, then rounded to doubles. Needs mpmath. Prints the constants and the error before rounding of sums."""
from mpmath import mp, mpf, chebyfit, exp, log, sqrt, polyval, taylor

mp.dps = 60


def show(name, function, interval, count):
    coefficients, error = chebyfit(function, interval, count, error=True)
    print(f"// {name}: {count} coefficients on [{mp.nstr(interval[0], 6)}, {mp.nstr(interval[1], 6)}], error {mp.nstr(error, 3)}")
    for power, value in enumerate(reversed(coefficients)):
        print(f"const {name}{power} = {float(value)!r};")


def exp_tail(r):
    """(exp(r) - 1 - r) / r², by its series: no cancellation at 0."""
    term, total, n = mpf(1) / 2, mpf(0), 2
    while abs(term) > mpf(10) ** -70:
        total += term
        n += 1
        term *= r / n
    return total


def log_tail(z):
    """(atanh(s) / s - 1) * 2 / z with z = s²."""
    total, power, n = mpf(0), mpf(1), 1
    while power > mpf(10) ** -70 or n < 3:
        total += 2 * power / (2 * n + 1)
        power *= z
        n += 1
    return total


half = log(2) / 2
show("E", exp_tail, [-half * mpf("1.001"), half * mpf("1.001")], 10)
s = (sqrt(2) - 1) / (sqrt(2) + 1)
show("L", log_tail, [mpf(0), s * s * mpf("1.001")], 7)
show("U", log_tail, [mpf(0), mpf(1) / 9 * mpf("1.0001")], 10)
ln2 = log(2)
high = mp.floor(ln2 * 2**38) / mpf(2) ** 38  # trailing zeros, so that k * high is exact for |k| < 2^14
print("const LN2_HIGH =", repr(float(high)), "; const LN2_LOW =", repr(float(ln2 - high)), "; 1/ln2 =", repr(float(1 / ln2)))
