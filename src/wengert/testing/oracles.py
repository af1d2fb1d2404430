"""Derivatives computed from values of a function alone, to hold rules against.

Jacobians are matrices of real numbers: a row for each real number in the function's value, a column for each in its
floating-point and complex arguments, both in order; a complex number counts as two, its real and its imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Tree
from wengert.errors import InputError
from wengert.testing.realmap import RealMap, Vector

__all__ = ["EPS", "SAFETY", "complex_step_jacobian", "derivative_along", "mpmath_derivative", "richardson_jacobian"]

EPS = float(np.finfo(np.float64).eps)

COMPLEX_STEP = 1e-30
"""Its square, the method's relative error, is far below rounding; and it is far from underflow even when cubed."""

FIRST_STEPS = (2.0**-6, 2.0**-10, 2.0**-14, 2.0**-18)
"""Where extrapolation starts. The first suits functions smooth within a hundredth of the point; smaller ones are tried
only if its error estimate is poor, since rounding errors grow as the step shrinks."""

HALVINGS = 5
"""Rows of the tableau. From a step ``h`` the last has an error of the order ``h¹⁰·2⁻²⁰``: rounding is reached."""

GOOD_ENOUGH = 2.0**-33
"""Relative error (1e-10) at which no smaller first step is tried."""


SAFETY = 8.0
"""How far beyond its own estimate the error of extrapolated differences may be."""


def complex_step_jacobian(f: Callable[..., Tree], *args: Tree) -> Vector:
    """The Jacobian of an analytic function of real arguments, ``Im f(x + ih)/h`` column by column, to rounding.

    Without subtraction there is no cancellation (Squire and Trapp, SIAM Review 40, 1998), so the step can be as small
    as 10⁻³⁰. ``f`` is called on complex arrays, and each operation in it has to be analytic: no ``abs``, comparison
    or real part of what depends on an argument.

    Raises ``InputError`` if an argument is complex or if ``f`` returns real numbers for complex arguments.

    >>> import numpy as np
    >>> complex_step_jacobian(lambda x: x**2, np.array([1.0, 3.0]))
    array([[2., 0.],
           [0., 6.]])
    """
    real_map = RealMap(f, args)
    if any(np.asarray(x).dtype.kind == "c" for x in real_map.variables):
        raise InputError("The complex step needs real arguments; use richardson_jacobian for complex ones.")
    x = real_map.point()
    columns = []
    for j in range(x.size):
        z = x.astype(np.complex128)
        z[j] += 1j * COMPLEX_STEP
        results = [np.asarray(y) for y in real_map(*real_map.unflatten(z))]
        if any(y.dtype.kind != "c" for y in results):
            raise InputError("The function returned real numbers for complex arguments, so it is not analytic.")
        columns.append(np.concatenate([np.zeros(0), *[np.ravel(y.imag) / COMPLEX_STEP for y in results]]))
    return _matrix(columns, real_map)


def richardson_jacobian(f: Callable[..., Tree], *args: Tree) -> tuple[Vector, Vector]:
    """The Jacobian by central differences extrapolated to step zero, and an estimate of the error of each entry.

    Works for any smooth function, of real or complex arguments. Halving the step of ``(f(x+h) − f(x−h))/2h``, whose
    error is a series in ``h²``, removes a term of the series each time (Richardson); the entry of the tableau that
    differs least from its neighbours is returned, with that difference, or the effect of rounding where that is larger,
    as its error (Ridders, Advances in Engineering Software 4, 1982). The point has to be one where ``f`` is smooth: at
    a kink, central differences are the mean of the slopes on both sides.

    >>> import numpy as np
    >>> jacobian, error = richardson_jacobian(np.exp, np.array([0.0, 1.0]))
    >>> bool(np.abs(jacobian - np.diag([1.0, np.e])).max() < 1e-11)
    True
    >>> bool(error.max() < 1e-9)
    True
    """
    real_map = RealMap(f, args)
    x = real_map.point()
    pairs = []
    for j in range(x.size):
        unit = np.zeros(x.size)
        unit[j] = 1.0
        pairs.append(derivative_along(real_map.along(unit), scale=max(1.0, abs(x[j]))))
    return _matrix([d for d, _ in pairs], real_map), _matrix([e for _, e in pairs], real_map)


def derivative_along(line: Callable[[float], Vector], scale: float = 1.0) -> tuple[Vector, Vector]:
    """The derivative of ``line`` at 0 and its estimated error; ``scale`` is a step that changes much."""
    best, error = _tableau(line, FIRST_STEPS[0] * scale)
    for step in FIRST_STEPS[1:]:
        if np.all(error <= GOOD_ENOUGH * max(1.0, np.max(np.abs(best), initial=0.0))):
            break
        again, its_error = _tableau(line, step * scale)
        better = (its_error < error) | np.isnan(error)
        best, error = np.where(better, again, best), np.where(better, its_error, error)
    return best, error


def _tableau(line: Callable[[float], Vector], h: float) -> tuple[Vector, Vector]:
    """Extrapolated central differences from the first step ``h``: the best entry, and its estimated error."""
    rows: list[list[Vector]] = []
    best: Any = None
    error: Any = None
    for _ in range(HALVINGS):
        with np.errstate(all="ignore"):
            after, before = line(h), line(-h)
            row = [(after - before) / (2 * h)]
            rounding = 4 * EPS * np.maximum(np.abs(after), np.abs(before)) / h
            for k, previous in enumerate(rows[-1] if rows else ()):
                row.append(row[k] + (row[k] - previous) / (4.0 ** (k + 1) - 1))
                estimate = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - previous))
                estimate = np.maximum(estimate, rounding)
                if best is None:
                    best, error = row[k + 1], estimate
                else:
                    better = (estimate < error) | np.isnan(error)
                    best, error = np.where(better, row[k + 1], best), np.where(better, estimate, error)
        rows.append(row)
        h /= 2
    return best, error


def mpmath_derivative(f: Callable[[Any], Any], x: float, order: int = 1) -> float:
    """The derivative of that order of a function of one real number, written with mpmath, computed to 50 digits.

    It needs the package ``mpmath``.

    >>> import mpmath
    >>> mpmath_derivative(mpmath.sin, 0.0, order=3)
    -1.0
    """
    import mpmath  # type: ignore[import-untyped, import-not-found, unused-ignore]  # optional: only oracles need it

    with mpmath.workdps(50):
        center = mpmath.mpf(x)
        scale = center or mpmath.mpf(1)  # mpmath's step is absolute, and too large for numbers near zero
        return float(mpmath.diff(lambda u: f(center + u * scale), 0, order) / scale**order)


def _matrix(columns: list[Vector], real_map: RealMap) -> Vector:
    """Columns as a matrix; without any, its height is that of the value."""
    if columns:
        return np.stack(columns, axis=1)
    return np.zeros((real_map.values(np.zeros(0)).size, 0))
