"""Secant, cosecant, cotangent, their hyperbolic kin, and the inverses of all of them, which NumPy lacks.

The inverses are NumPy's of ``u = 1/x``. Their derivatives are stated in ``u`` and ``1 ± u``, which neither overflow for
large ``x`` nor lose digits beside ``±1`` (formulas: NIST Digital Library of Mathematical Functions, 4.20, 4.24, 4.34,
4.38). Where a function is vertical its derivative is infinite.

>>> import wengert as wg
>>> x = wg.tensor([1.0, 2.0])
>>> y = wg.arcsec(x)
>>> y.backward()
>>> y, x.grad
(Tensor([0.        , 1.04719755]), array([       inf, 0.28867513]))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from wengert._types import Array
from wengert.core.dispatch import apply
from wengert.core.op import Op, Rule
from wengert.core.registry import register, register_function
from wengert.ops.cases import Call, call, elementwise_samples, enter

__all__ = ["RECIPROCALS"]

RECIPROCALS: dict[str, Callable[[Any], Any]] = {}
"""The functions by name. Each takes numbers, arrays or boxes."""

Samples: TypeAlias = "Callable[[np.random.Generator], list[Call]]"  # a string: NumPy loads np.random on first use


def _entry(
    name: str,
    summary: str,
    fun: Callable[[Any], Any],
    x: Rule,
    samples: Samples,
    kinks: Sequence[tuple[Call, tuple[Any, ...]]] = (),
) -> Callable[[Any], Any]:
    """A function of each element: its value, and its derivative by ``x``."""
    op = register(Op(name, "elementwise", fun, ("x",), (x,)))

    def function(x: Any) -> Array:
        return apply(op, (x,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = summary
    register_function(function, function)
    enter(function, samples, kinks, analytic=True)
    RECIPROCALS[name] = function
    return function


def _over(fun: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``1 / fun(x)``; 0 where ``fun`` overflows, which is no reason to warn."""

    def evaluate(x: Any) -> Any:
        with np.errstate(over="ignore"):
            return np.divide(1.0, fun(x))

    return evaluate


def _of_inverse(fun: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: fun(np.divide(1.0, x))


def _arccot(x: Any) -> Any:
    """``arctan(1/x)``, and a quarter turn at 0."""
    with np.errstate(divide="ignore"):
        return np.arctan(np.divide(1.0, x))


def _inverse_root(u: Array) -> Array:
    """``1 / √(1 − u²)``, infinite at ±1 without a warning."""
    root = np.sqrt((1.0 - u) * (1.0 + u))
    with np.errstate(divide="ignore"):
        return 1.0 / root


def _arcsec_slope(x: Array) -> Array:
    u = 1.0 / x
    return u * u * _inverse_root(u)


def _arccsch_slope(x: Array) -> Array:
    u = 1.0 / x
    return -u * (u / (np.sqrt(1.0 + u * u) if x.dtype.kind == "c" else np.hypot(1.0, u)))


def _arcsech_slope(x: Array) -> Array:
    u = 1.0 / x
    return -u * (u / (np.sqrt(u - 1.0) * np.sqrt(u + 1.0)))


_NONZERO = elementwise_samples(("nonzero",))
_ABOVE_ONE = elementwise_samples(("above_one",))
_UNIT = elementwise_samples(("unit",))
_ENDS = call(np.array([1.0, -1.0]))
_UP = np.array([np.inf, np.inf])

_entry("sec", "The secant ``1 / cos(x)``.", _over(np.cos), lambda x, y: y * np.tan(x), _UNIT)
_entry("csc", "The cosecant ``1 / sin(x)``.", _over(np.sin), lambda x, y: -y / np.tan(x), _NONZERO)
_entry("cot", "The cotangent ``1 / tan(x)``.", _over(np.tan), lambda y: -1.0 - y * y, _NONZERO)
_entry("sech", "The hyperbolic secant ``1 / cosh(x)``.", _over(np.cosh), lambda x, y: -y * np.tanh(x), _UNIT)
_csch = _entry(
    "csch", "The hyperbolic cosecant ``1 / sinh(x)``.", _over(np.sinh), lambda x, y: -y / np.tanh(x), _NONZERO
)
_entry("coth", "The hyperbolic cotangent ``1 / tanh(x)``.", _over(np.tanh), lambda x: -np.square(_csch(x)), _NONZERO)

_entry(
    "arcsec",
    "The inverse secant ``arccos(1/x)``, of ``|x| ≥ 1``.",
    _of_inverse(np.arccos),
    _arcsec_slope,
    _ABOVE_ONE,
    [(_ENDS, (_UP,))],
)
_entry(
    "arccsc",
    "The inverse cosecant ``arcsin(1/x)``, of ``|x| ≥ 1``.",
    _of_inverse(np.arcsin),
    lambda x: -_arcsec_slope(x),
    _ABOVE_ONE,
    [(_ENDS, (-_UP,))],
)
_entry(
    "arccot",
    "The inverse cotangent ``arctan(1/x)``, odd and with a jump at 0, where it is π/2.",
    _arccot,
    lambda x: -1.0 / (1.0 + x * x),
    _NONZERO,
    [(call(np.array([0.0])), (np.array([-1.0]),))],
)
_entry(
    "arcsech",
    "The inverse hyperbolic secant ``arccosh(1/x)``, of ``0 < x ≤ 1``.",
    _of_inverse(np.arccosh),
    _arcsech_slope,
    lambda rng: [call(rng.uniform(0.2, 0.9, shape)) for shape in ((2, 3), (), (0, 3))],
)
_entry(
    "arccsch", "The inverse hyperbolic cosecant ``arcsinh(1/x)``.", _of_inverse(np.arcsinh), _arccsch_slope, _NONZERO
)
_entry(
    "arccoth",
    "The inverse hyperbolic cotangent ``arctanh(1/x)``, of ``|x| ≥ 1``.",
    _of_inverse(np.arctanh),
    lambda x: 1.0 / ((1.0 - x) * (1.0 + x)),
    _ABOVE_ONE,
)
