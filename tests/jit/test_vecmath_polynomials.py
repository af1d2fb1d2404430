"""The polynomials of vector mathematics are as close to what they approximate as is written beside them."""

import mpmath
import numpy as np
import pytest

from wengert.compiler.vecmath.coefficients import CENTRES, OFFSET, POLYNOMIALS


def _by_square(f, limit):
    """``f`` of the root of z, with its limit at 0."""
    return lambda z: f(mpmath.sqrt(z), z) if z > 1e-20 else mpmath.mpf(limit)


def scaled_erfc(t, k):
    x = k * (1 + t) / (1 - t)
    return (1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x) - OFFSET


FITTED = {
    "exp": lambda r: (mpmath.expm1(r) - r) / r**2,
    "exp2": lambda r: (mpmath.expm1(r * mpmath.log(2)) - r * mpmath.log(2)) / r**2,
    "log": _by_square(lambda s, z: (2 * mpmath.atanh(s) / s - 2) / z, mpmath.mpf(2) / 3),
    "pow": _by_square(lambda s, z: (mpmath.atanh(s) / s - 1 - z / 3) / z**2, mpmath.mpf(1) / 5),
    "sin": _by_square(lambda x, z: (mpmath.sin(x) / x - 1) / z, -mpmath.mpf(1) / 6),
    "cos": _by_square(lambda x, z: (mpmath.cos(x) - 1 + z / 2) / z**2, mpmath.mpf(1) / 24),
    "sinh": _by_square(lambda x, z: (mpmath.sinh(x) / x - 1) / z, mpmath.mpf(1) / 6),
    "cosh": _by_square(lambda x, z: (mpmath.cosh(x) - 1 - z / 2) / z**2, mpmath.mpf(1) / 24),
    "asin": _by_square(lambda x, z: (mpmath.asin(x) / x - 1) / z, mpmath.mpf(1) / 6),
    "atan": _by_square(lambda x, z: (mpmath.atan(x) / x - 1) / z, -mpmath.mpf(1) / 3),
    "cbrt": lambda x: 1 / mpmath.cbrt(x),
    "erf": _by_square(
        lambda x, z: (mpmath.erf(x) / x - 2 / mpmath.sqrt(mpmath.pi)) / z, -2 / (3 * mpmath.sqrt(mpmath.pi))
    ),
}


def fitted(name, bits):
    """What a polynomial approximates."""
    if name in FITTED:
        return FITTED[name]
    return lambda t: scaled_erfc(t, CENTRES[name, bits])


def value(coefficients, x):
    """A polynomial's value; coefficients of high powers come first."""
    total = mpmath.mpf(0)
    for c in coefficients:
        total = total * x + c
    return total


@pytest.mark.parametrize(("name", "bits"), list(POLYNOMIALS))
def test_polynomials_are_as_close_as_they_say(name, bits):
    p = POLYNOMIALS[name, bits]
    function = fitted(name, bits)
    places = (1 - np.cos(np.linspace(1e-3, np.pi, 1 + 4 * len(p.coefficients)))) / 2
    dtype = f"f{bits // 8}"
    with mpmath.workdps(60):
        xs = [p.low + (mpmath.mpf(p.high) - p.low) * mpmath.mpf(float(u)) for u in places]
        coefficients = [mpmath.mpf(float(np.array(c, dtype))) for c in p.coefficients]
        errors = [abs(value(coefficients, x) - function(x)) for x in xs]
    assert p.error / 4 < max(errors) <= p.error
