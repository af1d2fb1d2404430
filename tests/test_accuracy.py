"""Derivatives of scalar functions where careless formulas lose digits, against mpmath to 50 digits."""

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert.testing import mpmath_derivative

CLOSE = 2.0**-49
"""Sixteen roundings: a derivative is a product of a few factors, each computed to one or two."""

POINTS = {
    np.sinc: (lambda x: mpmath.sinc(mpmath.pi * x), [1e-12, 1e-8, 1e-4, 1e-2, 0.1, 0.5, 1.3]),
    np.expm1: (mpmath.expm1, [1e-20, -1e-10, 1e-3, 3.0, -30.0]),
    np.log1p: (mpmath.log1p, [1e-20, -1e-10, 1e-3, 3.0, 1e10, -0.999999]),
    np.exp2: (lambda x: mpmath.power(2, x), [-30.0, 1e-10, 3.5]),
    np.log2: (lambda x: mpmath.log(x, 2), [1e-30, 0.5, 1e30]),
    np.log10: (mpmath.log10, [1e-30, 0.5, 1e30]),
    np.cbrt: (mpmath.cbrt, [1e-30, 0.5, 1e30]),
    np.arcsin: (mpmath.asin, [1e-10, 0.5, 1 - 2.0**-20, 1 - 2.0**-50]),
    np.arccos: (mpmath.acos, [1e-10, 0.5, 1 - 2.0**-20, 1 - 2.0**-50]),
    np.arctan: (mpmath.atan, [1e-10, 0.5, 1e10]),
    np.arcsinh: (mpmath.asinh, [1e-10, 0.5, 1e10, 1e200]),
    np.arccosh: (mpmath.acosh, [1 + 2.0**-50, 1.5, 1e10]),
    np.arctanh: (mpmath.atanh, [1e-10, 0.5, 1 - 2.0**-50]),
    np.sinh: (mpmath.sinh, [1e-10, 3.0, -30.0]),
    np.cosh: (mpmath.cosh, [1e-10, 3.0, -30.0]),
    np.tanh: (mpmath.tanh, [1e-10, 0.5]),
    np.tan: (mpmath.tan, [1e-10, 0.5, 1.5]),
    np.reciprocal: (lambda x: 1 / x, [1e-100, 3.0, 1e100]),
    np.sqrt: (mpmath.sqrt, [1e-100, 3.0, 1e100]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("function", "reference", "x"),
    [pytest.param(f, g, x, id=f"{f.__name__}-{x:.3g}") for f, (g, points) in POINTS.items() for x in points],
)
def test_first_derivative(function, reference, x):
    expected = mpmath_derivative(reference, x)
    assert wg.grad(function)(x) == pytest.approx(expected, rel=CLOSE)
    assert wg.jvp(function, (x,), (1.0,))[1] == pytest.approx(expected, rel=CLOSE)


@pytest.mark.parametrize("x", POINTS[np.sinc][1])
def test_higher_derivatives_of_sinc(x):
    first = wg.grad(np.sinc)
    second = mpmath_derivative(POINTS[np.sinc][0], x, order=2)
    third = mpmath_derivative(POINTS[np.sinc][0], x, order=3)
    assert wg.grad(first)(x) == pytest.approx(second, rel=1e-9)
    assert wg.grad(wg.grad(first))(x) == pytest.approx(third, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("x", "y"), [(-1000.0, 0.0), (0.0, 1000.0), (1e-10, 0.0), (700.0, 701.0), (-800.0, -801.0)])
def test_logaddexp_neither_overflows_nor_vanishes(x, y):
    expected = float(1 / (1 + mpmath.exp(mpmath.mpf(y) - mpmath.mpf(x))))
    assert wg.grad(np.logaddexp)(x, y) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("x", "y"), [(3e200, 4e200), (3e-200, 4e-200), (1e-300, 1.0), (3.0, 4.0)])
def test_hypot_and_arctan2_of_any_size(x, y):
    length = mpmath.hypot(x, y)
    assert wg.grad(np.hypot)(x, y) == pytest.approx(float(x / length), rel=CLOSE)
    expected = float(mpmath.mpf(y) / length**2)
    assert wg.grad(np.arctan2)(x, y) == pytest.approx(expected, rel=CLOSE)


@pytest.mark.parametrize("x", [1e-100, 1e100])
def test_abs_of_complex_numbers_of_any_size(x):
    assert wg.grad(np.abs)(3 * x + 4j * x) == pytest.approx(0.6 + 0.8j, rel=CLOSE)


def test_norms_of_any_size():
    for scale in (1e-100, 1e100):
        x = np.array([3.0, 4.0]) * scale
        np.testing.assert_allclose(wg.grad(np.linalg.norm)(x), [0.6, 0.8], rtol=CLOSE)


def test_std_of_nearly_equal_values():
    x = np.array([1.0, 1.0 + 2.0**-40, 1.0 - 2.0**-40])
    with mpmath.workdps(50):
        exact = [mpmath.mpf(v) for v in x]
        mean = mpmath.fsum(exact) / 3
        deviation = mpmath.sqrt(mpmath.fsum((v - mean) ** 2 for v in exact) / 3)
        expected = [float((v - mean) / (3 * deviation)) for v in exact]
    np.testing.assert_allclose(wg.grad(np.std)(x), expected, atol=2.0**-10)


def test_var_far_from_zero():
    x = 1e8 + np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(wg.grad(np.var)(x), 2 / 3 * (np.array([1.0, 2.0, 4.0]) - 7 / 3), rtol=1e-7)
