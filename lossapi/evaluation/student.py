"""Student's t and the normal distribution: how likely a value further out is, and beyond which value a share lies.

The tail is the incomplete beta function, by its continued fraction (Abramowitz and Stegun 26.7.1 and 26.5.8, 1964).
"""

from math import exp, inf, lgamma, log, log1p, pi
from statistics import NormalDist

TINY = 1e-300
EPSILON = 1e-16
LARGE = 100.0


def normal_beyond(share: float) -> float:
    """The value beyond which a share of the normal distribution lies."""
    return NormalDist().inv_cdf(1.0 - share)


def two_sided(t: float, degrees: float) -> float:
    """The probability of |T| > |t|."""
    if t != t or degrees <= 0:
        return float("nan")
    if abs(t) == inf:
        return 0.0
    return incomplete_beta(degrees / 2.0, t * t / degrees)


def beyond(share: float, degrees: float) -> float:
    """The value beyond which a share below a half lies: found between bounds that are drawn together."""
    low, high = 0.0, 1.0
    while two_sided(high, degrees) > 2.0 * share:
        low, high = high, 2.0 * high
    while True:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            return middle
        if two_sided(middle, degrees) > 2.0 * share:
            low = middle
        else:
            high = middle


def incomplete_beta(a: float, odds: float) -> float:
    """The regularised incomplete beta function with b = ½ at x = 1 / (1 + odds)."""
    if not odds:
        return 1.0
    x = 1.0 / (1.0 + odds)
    front = exp(_log_ratio(a) - 0.5 * log(pi) - (a + 0.5) * log1p(odds) + 0.5 * log(odds))
    if x < (a + 1.0) / (a + 2.5):
        return front * _fraction(a, 0.5, x) / a
    return 1.0 - front * _fraction(0.5, a, odds / (1.0 + odds)) / 0.5


def _log_ratio(a: float) -> float:
    """The logarithm of Γ(a + ½) / Γ(a); of large a by its series, where a difference would lose digits."""
    if a < LARGE:
        return lgamma(a + 0.5) - lgamma(a)
    return 0.5 * log(a) - 1.0 / (8.0 * a) + 1.0 / (192.0 * a**3) - 1.0 / (640.0 * a**5)


def _fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction, from the front (Lentz)."""
    c, d = 1.0, 1.0 / _apart(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for each in (even, odd):
            d = 1.0 / _apart(1.0 + each * d)
            c = _apart(1.0 + each / c)
            step = c * d
            found *= step
        if abs(step - 1.0) < EPSILON:
            break
    return found


def _apart(x: float) -> float:
    """A divisor that is not zero."""
    return x if abs(x) > TINY else TINY
