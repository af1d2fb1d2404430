"""Checks that derivatives are right: against oracles, against one another, and to higher order.

Tolerances are multiples of rounding errors, not of taste. A result of wengert's passes through perhaps a thousand
roundings, each relative to the largest numbers that occur, so two ways to compute it may differ by ``2¹⁰ ε`` of those;
a wrong factor, sign or transpose differs by a relative amount of order one. Differences add their own estimated error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from wengert._types import Array, Tree
from wengert.testing.oracles import EPS, SAFETY, complex_step_jacobian, derivative_along, richardson_jacobian
from wengert.testing.realmap import RealMap, Vector, boxed, inner, name_of, parts, plain, random_like
from wengert.transforms.forward import jvp
from wengert.transforms.reverse import grad, vjp

__all__ = ["check_grads", "check_jacobian", "check_orders", "check_transpose"]

ROUNDING = 2.0**10 * EPS
"""Relative difference that rounding alone may make; see above."""

SEED = 1964


def check_grads(f: Callable[..., Tree], args: Sequence[Tree], order: int = 2) -> None:
    """Assert that wengert's derivatives of ``f`` at ``args`` are right, forward and reverse, up to ``order``.

    ``args`` is the tuple of arguments; what is varied are the floating-point and complex numbers and arrays in it, in
    whatever containers. ``f`` may return any tree of arrays. The point should be one where ``f`` is smooth.

    Jacobians are compared with extrapolated differences, forward with reverse mode by the transpose identity, and every
    nesting of the two modes up to ``order`` with differences of the order below.

    >>> import numpy as np
    >>> check_grads(lambda p: np.sum(np.sin(p["a"]) * p["b"]), ({"a": np.array([0.5, 2.0]), "b": 3.0},))
    """
    check_jacobian(f, args)
    check_transpose(f, args)
    if order > 1:
        check_orders(f, args, order)


def check_jacobian(f: Callable[..., Tree], args: Sequence[Tree], *, analytic: bool = False) -> None:
    """Assert that the whole Jacobian of ``f`` at ``args``, by reverse and by forward mode, agrees with an oracle.

    So do the values of ``f`` on traced arrays with those on plain ones.

    The oracle is the complex step if ``analytic``, for functions of real arguments that are defined and analytic for
    complex ones; else extrapolated differences.

    >>> import numpy as np
    >>> check_jacobian(lambda x, y: x * y[0], (np.array([1.0, 2.0]), np.array([3.0])), analytic=True)
    """
    real_map = RealMap(f, args)
    _check_values(real_map)
    if analytic:
        expected = complex_step_jacobian(f, *args)
        error = np.zeros_like(expected)
    else:
        expected, error = richardson_jacobian(f, *args)
    tolerance = SAFETY * error + ROUNDING * (1.0 + np.max(np.abs(expected), initial=0.0))
    for mode, rows in (("reverse", _reverse), ("forward", _forward)):
        _assert_close(f"{name_of(f)}: {mode}-mode Jacobian", rows(real_map), expected, tolerance)


def check_transpose(f: Callable[..., Tree], args: Sequence[Tree]) -> None:
    """Assert that forward and reverse mode of ``f`` at ``args`` are each other's transpose: ``⟨Jv, w⟩ = ⟨v, Jᵀw⟩``.

    For complex numbers the inner product is ``Re Σ conj(a)·b``. No oracle is needed, so this holds to near rounding.

    >>> import numpy as np
    >>> check_transpose(np.sin, (np.array([0.5, 1.0 + 2.0j]),))
    """
    real_map = RealMap(f, args)
    rng = np.random.default_rng(SEED)
    v = real_map.directions(rng)
    _, pushed = jvp(real_map.traced, real_map.variables, v)
    values, pullback = vjp(real_map.traced, *real_map.variables)
    w = random_like(values, rng)
    pulled = _pulled(pullback, w, len(v))
    jv, jtw = parts([plain(t) for t in pushed]), parts(pulled)
    left, right = jv * parts(w), parts(v) * jtw
    scale = np.abs(left).sum() + np.abs(right).sum()
    _assert_close(
        f"{name_of(f)}: ⟨Jv, w⟩ by forward mode against ⟨v, Jᵀw⟩ by reverse mode",
        left.sum(),
        right.sum(),
        ROUNDING * (1e-300 + scale),
    )


def check_orders(f: Callable[..., Tree], args: Sequence[Tree], order: int = 3) -> None:
    """Assert that every nesting of forward and reverse mode up to ``order`` is right for ``f`` at ``args``.

    The values ``y`` of ``f`` are made into one real number, the sum of ``y + y²/2`` with a random weight for each (the
    square lets cotangents depend on the arguments even where ``f`` is linear). Its derivative along ``order`` random
    directions is taken in all ``2ᵏ`` ways at each order ``k``: forward over forward (FF), forward over reverse (FR),
    RF, RR, and so on. All have to agree with differences of the order below and with one another.

    >>> import numpy as np
    >>> check_orders(np.tanh, (np.array([0.5, -1.0]),), order=3)
    """
    real_map = RealMap(f, args)
    rng = np.random.default_rng(SEED)
    weights = random_like(real_map(*real_map.variables), rng)
    levels: dict[str, Callable[..., Array]] = {
        "": lambda *xs: inner(weights, [y + 0.5 * (y * y) for y in real_map.traced(*xs)])
    }
    lower, scale = levels[""], 1.0
    for k in range(1, order + 1):
        v = real_map.directions(rng)
        levels = {m + word: _ALONG[m](g, v) for (word, g), m in product(levels.items(), _ALONG)}
        found = {word: float(plain(g(*real_map.variables))) for word, g in levels.items()}
        expected, error = derivative_along(_line(lower, real_map, parts(v)))
        scale = max([scale, *map(abs, found.values())])
        for word, value in found.items():
            _assert_close(
                f"{name_of(f)}: derivative of order {k} by {word} (F forward, R reverse, outermost first)",
                value,
                expected[0],
                SAFETY * error[0] + ROUNDING * scale,
            )
        for word, value in found.items():
            first = "F" * k
            what = f"{name_of(f)}: derivative of order {k}, {word} against {first}"
            _assert_close(what, value, found[first], 2 * ROUNDING * scale)
        lower = levels["F" * k]


def _along_forward(g: Callable[..., Array], v: Sequence[Array]) -> Callable[..., Array]:
    return lambda *xs: boxed(jvp(g, xs, tuple(v))[1])


def _along_reverse(g: Callable[..., Array], v: Sequence[Array]) -> Callable[..., Array]:
    return lambda *xs: inner(v, grad(g, tuple(range(len(v))))(*xs))


_ALONG = {"F": _along_forward, "R": _along_reverse}
"""The derivative of a real function along a direction, as a function, by either mode."""


def _line(g: Callable[..., Array], real_map: RealMap, v: Vector) -> Callable[[float], Vector]:
    """``g`` along the line through the point in direction ``v``."""
    point = real_map.point()
    return lambda s: parts([plain(g(*real_map.unflatten(point + s * v)))])


def _check_values(real_map: RealMap) -> None:
    """Assert that tracing leaves the results of the function as they are, but for rounding."""
    expected = real_map(*real_map.variables)
    found = [plain(y) for y in jvp(real_map.traced, real_map.variables, real_map.variables)[0]]
    what = f"{name_of(real_map.f)} on traced arrays"
    shapes = [y.shape for y in found], [np.shape(y) for y in expected]
    assert shapes[0] == shapes[1], f"{what} has results of shapes {shapes[0]}, on plain ones {shapes[1]}."
    values = parts(found), parts(expected)
    _assert_close(f"{what}: a result", *values, ROUNDING * (1.0 + np.max(np.abs(values[1]), initial=0.0)))


def _reverse(real_map: RealMap) -> Vector:
    """The Jacobian a row at a time: pullbacks of unit vectors."""
    values, pullback = vjp(real_map.traced, *real_map.variables)
    rows = [parts(_pulled(pullback, w, len(real_map.variables))) for w in _units(values)]
    return np.stack(rows) if rows else np.zeros((0, real_map.point().size))


def _forward(real_map: RealMap) -> Vector:
    """The Jacobian a column at a time: pushforwards of unit vectors."""
    pushed = [jvp(real_map.traced, real_map.variables, v)[1] for v in _units(real_map.variables)]
    columns = [parts([plain(t) for t in tangents]) for tangents in pushed]
    size = parts(real_map(*real_map.variables)).size
    return np.stack(columns, axis=1) if columns else np.zeros((size, 0))


def _units(arrays: Sequence[Array]) -> list[list[Array]]:
    """For each real number in ``arrays``, like arrays with a one there (``i`` for an imaginary part), else zeros."""
    made = []
    for k, x in enumerate(arrays):
        x = np.asarray(x)
        for place in np.ndindex(x.shape):
            for one in (1, 1j) if x.dtype.kind == "c" else (1,):
                unit = [np.zeros(np.shape(y), np.asarray(y).dtype) for y in arrays]
                unit[k][place] = one
                made.append(unit)
    return made


def _pulled(pullback: Callable[[Any], Any], w: list[Array], count: int) -> list[Array]:
    """The cotangents of all variables, in a list whether there is one or several."""
    pulled = pullback(w)
    return [pulled] if count == 1 else list(pulled)


def _assert_close(what: str, found: Any, expected: Any, tolerance: Any) -> None:
    found, expected, tolerance = np.broadcast_arrays(found, expected, tolerance)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(found - expected) <= tolerance)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f" at {place} and {int(wrong.sum()) - 1} other place(s)" if place else ""
        raise AssertionError(
            f"{what} differs{where}: found {found[place]:.17g}, expected {expected[place]:.17g}, "
            f"tolerance {tolerance[place]:.3g}."
        )
