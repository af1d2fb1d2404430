"""Choosing elements: by condition, by size, by interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import deliver, holds_everywhere
from wengert.core.arraymethods import converted
from wengert.core.dispatch import apply, operand
from wengert.core.op import Op
from wengert.core.registry import register, register_function
from wengert.core.ufuncs import call_with
from wengert.errors import InputError
from wengert.ops.cases import Call, call, enter
from wengert.ops.complexes import from_parts
from wengert.ops.entries import composite, elementwise
from wengert.ops.index import read_at, replaced

# By condition

WHERE: Op = register(
    Op(
        "where",
        "linear",
        np.where,
        ("condition", "x", "y"),
        (None, lambda g, condition: g * condition, lambda g, condition: g * ~condition),
        selects=True,
    )
)


def _as_condition(condition: Array) -> Array:
    """``condition`` as booleans; of numbers, whether they differ from zero."""
    condition = operand(condition)
    if type(condition) in (bool, int, float, complex):
        return np.bool_(condition)
    return condition if condition.dtype.kind == "b" else condition != 0


def _where(condition: Array, *choices: Array) -> Any:
    condition = _as_condition(condition)
    if not choices:
        return np.nonzero(condition)
    if len(choices) != 2:
        raise ValueError("np.where takes a condition alone, or a condition and two choices; got one choice.")
    return apply(WHERE, (condition, *choices))


def _choices(rng: np.random.Generator) -> list[Call]:
    condition = rng.integers(0, 2, (2, 3)).astype(bool)
    wide, row = rng.normal(size=(2, 3)), rng.normal(size=3)
    plane = rng.normal(size=3) + 1j * rng.normal(size=3)
    return [
        call(condition, wide, row),
        call(condition, 2, wide),
        call(condition[0], wide, 1),
        call(condition, row, plane),
        call(True, row, wide),
        call([1, 0, 2], row, row),
    ]


register_function(np.where, _where)
enter(np.where, _choices)


def _conditions(rng: np.random.Generator) -> list[Call]:
    x, y = rng.normal(size=(2, 3)), rng.normal(size=3)
    return [call([x > 0.5, x < 0], [x, y]), call([x > 0.5, y < 0], [x * x, y], 1), call([y > 9], [y])]


@composite(np.select, samples=_conditions)
def _select(condlist: Sequence[Array], choicelist: Sequence[Array], default: Array = 0) -> Array:
    if len(condlist) != len(choicelist) or len(condlist) == 0:
        raise ValueError(
            f"np.select takes as many choices as conditions, and at least one; got {len(condlist)} conditions and "
            f"{len(choicelist)} choices."
        )
    y = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        y = np.where(condition, choice, y)
    return y


def _menus(rng: np.random.Generator) -> list[Call]:
    menu = [rng.normal(size=(2, 3)), rng.normal(size=3), rng.normal(size=())]
    return [call(rng.integers(0, 3, (2, 3)), menu), call(rng.integers(-3, 6, 3), rng.normal(size=(3, 3)), mode="wrap")]


@composite(np.choose, samples=_menus)
def _choose(a: Array, choices: Any, out: Any = None, mode: str = "raise") -> Array:
    count = len(choices)
    a = operand(a)
    if mode == "wrap":
        a = a % count
    elif mode == "clip":
        a = np.clip(a, 0, count - 1)
    elif not holds_everywhere((a >= 0) & (a < count), otherwise=True):
        raise ValueError(f"np.choose: a position lies outside the {count} choices. Say mode='wrap' or mode='clip'.")
    y = choices[0]
    for k in range(count):
        y = np.where(a == k, choices[k], y)
    return deliver(y, out, "np.choose")


def _pieces(rng: np.random.Generator) -> list[Call]:
    x = rng.normal(size=(2, 3))
    return [
        call(x, [x < 0, x > 1], [np.sin, lambda v: v * v, 3]),
        call(x, [x < 0], [lambda v, k: k * v, lambda v, k: v - k], 2),
        call(x[0, 0], [x[0, 0] < 0], [np.cos, np.exp]),
    ]


@composite(np.piecewise, samples=_pieces)
def _piecewise(x: Array, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Array:
    x = operand(x)
    if np.isscalar(condlist) or (x.ndim and not isinstance(condlist[0], list | np.ndarray)):
        condlist = [condlist]
    conditions = [_as_condition(condition) for condition in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    if len(funclist) != len(conditions):
        raise ValueError(
            f"np.piecewise takes as many functions as conditions, or one more; got {len(funclist)} functions and "
            f"{len(conditions)} conditions."
        )
    y: Array = np.zeros(x.shape, x.dtype)
    for condition, piece in zip(conditions, funclist, strict=True):
        if not callable(piece):
            y = replaced(y, condition, operand(piece))
        elif (part := x[condition]).size:
            y = replaced(y, condition, operand(piece(part, *args, **kw)))
    return y


# By size


def _lead(greater: Array, less: Array, x: Array) -> Array:
    """1 where ``greater`` is greater than ``less``, ½ where they are equal, 0 elsewhere; NaN where either is NaN.

    ``x`` is the one of the two that is varied. Compared with a number, the sign of the difference says it all; between
    arrays there may be none, as ∞ − ∞.
    """
    number = greater if less is x else less
    if type(number) in (int, float) and math.isfinite(number) and x.dtype.kind == "f":
        return 0.5 * np.sign(x if number == 0 and x is greater else greater - less) + 0.5
    half = x.dtype.type(0.5)
    share = half * (greater > less) + half * (greater >= less)
    return np.where(np.isnan(greater) | np.isnan(less), np.nan, share)


def _lead_of_numbers(greater: Array, less: Array, x: Array, other: Array) -> Array:
    """The same for functions that pass over NaN: any number leads over it, and two NaN are equal."""
    half = x.dtype.type(0.5)
    ahead = (greater > less) | np.isnan(other)
    level = ~((greater < less) | np.isnan(x))
    return half * ahead + half * level


_TIES = call(np.array([1.0, -np.inf, 3.0]), np.array([1.0, -np.inf, 2.0]))
_WITH_NAN = call(np.array([np.nan, 1.0, np.nan]), np.array([1.0, np.nan, np.nan]))
_NAN = np.full(3, np.nan)
_GREATER = (np.array([0.5, 0.5, 1.0]), np.array([0.5, 0.5, 0.0]))
_LESSER = (np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.5, 1.0]))
_NUMBER = (np.array([0.0, 1.0, 0.5]), np.array([1.0, 0.0, 0.5]))
_RELU = (call(np.array([-1.0, 0.0, 2.0]), 0), (np.array([0.0, 0.5, 1.0]),))
_RELU_OF_MINUS = (call(np.array([-1.0, 0.0, 2.0]), 0), (np.array([1.0, 0.5, 0.0]),))

elementwise(
    np.maximum,
    a=lambda a, b: _lead(a, b, a),
    b=lambda a, b: _lead(b, a, b),
    selects=True,
    kinks=[(_TIES, _GREATER), (_WITH_NAN, (_NAN, _NAN)), _RELU],
)
elementwise(
    np.minimum,
    a=lambda a, b: _lead(b, a, a),
    b=lambda a, b: _lead(a, b, b),
    selects=True,
    kinks=[(_TIES, _LESSER), (_WITH_NAN, (_NAN, _NAN)), _RELU_OF_MINUS],
)
elementwise(
    np.fmax,
    a=lambda a, b: _lead_of_numbers(a, b, a, b),
    b=lambda a, b: _lead_of_numbers(b, a, b, a),
    selects=True,
    kinks=[(_TIES, _GREATER), (_WITH_NAN, _NUMBER)],
)
elementwise(
    np.fmin,
    a=lambda a, b: _lead_of_numbers(b, a, a, b),
    b=lambda a, b: _lead_of_numbers(a, b, b, a),
    selects=True,
    kinks=[(_TIES, _LESSER), (_WITH_NAN, _NUMBER)],
)
elementwise(
    np.heaviside,
    a=None,
    b=lambda a: a == 0,
    domain="nonzero",
    selects=True,
    kinks=[(call(np.array([-1.0, 0.0, 2.0]), np.array([0.5, 0.5, 0.5])), (np.zeros(3), np.array([0.0, 1.0, 0.0])))],
)

# By interval. An element at a bound is inside: it is passed on, and so is its derivative.


def _bounded(rng: np.random.Generator) -> list[Call]:
    a = rng.normal(size=(2, 3))
    return [
        call(a, -0.5, rng.uniform(0.2, 0.8, 3)),
        call(a, a_min=None, a_max=0),
        call(a[0], rng.uniform(-1.0, 0.0, (2, 1)), None),
        call(a, min=-1, max=1),
        call(a, rng.uniform(0.5, 1.0, 3), rng.uniform(-1.0, 0.0, 3)),
    ]


_CLIP = register(
    Op(
        "clip",
        "elementwise",
        np.clip,
        ("a", "a_min", "a_max"),
        (
            lambda a, a_min, a_max: ~((a < a_min) | (a > a_max)),
            lambda a, a_min, a_max: (a < a_min) & (a_min <= a_max),
            lambda a, a_min, a_max: (a > a_max) | (a_min > a_max),
        ),
        selects=True,
    )
)
_MISSING: Any = object()


@composite(
    np.clip,
    samples=_bounded,
    kinks=[(call(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), -1, 1), (np.array([0.0, 1.0, 1.0, 1.0, 0.0]),))],
)
def _clip(
    a: Array,
    a_min: Any = _MISSING,
    a_max: Any = _MISSING,
    out: Any = None,
    *,
    min: Any = _MISSING,  # noqa: A002 - NumPy's name
    max: Any = _MISSING,  # noqa: A002 - NumPy's name
    where: Any = True,
    dtype: Any = None,
    casting: Any = "same_kind",
    order: Any = "K",
    subok: bool = True,
) -> Array:
    if (a_min is not _MISSING or a_max is not _MISSING) and (min is not _MISSING or max is not _MISSING):
        raise ValueError("np.clip takes the bounds either as a_min and a_max or as min and max, not as both.")
    low, high = (min if a_min is _MISSING else a_min), (max if a_max is _MISSING else a_max)
    if low is None or low is _MISSING:
        low = _extremes(a)[0]
    if high is None or high is _MISSING:
        high = _extremes(a)[1]
    a, low, high = map(operand, (a, low, high))
    if dtype is not None:
        if not np.can_cast(a.dtype, dtype, casting):
            raise InputError(f"np.clip: can't compute in {np.dtype(dtype)} from {a.dtype} with casting={casting!r}.")
        a, low, high = [converted(x, dtype) if hasattr(x, "dtype") else x for x in (a, low, high)]
    return call_with(lambda *xs: apply(_CLIP, xs), (a, low, high), "np.clip", out, where, casting, order)


def _extremes(a: Array) -> tuple[Any, Any]:
    """The least and the greatest number of the type of ``a``: bounds that bound nothing."""
    a = operand(a)
    if type(a) in (bool, int, float, complex) or a.dtype.kind in "fc":
        return -math.inf, math.inf
    if a.dtype.kind == "b":
        return False, True
    info = np.iinfo(a.dtype)
    return info.min, info.max


def _numbers(rng: np.random.Generator) -> list[Call]:
    x, fill = rng.normal(size=(2, 3)), rng.normal(size=3)
    return [call(x), call(x, nan=fill), call(x[0] + 1j * x[1], posinf=1), call(x[0, 0])]


@composite(
    np.nan_to_num, samples=_numbers, kinks=[(call(np.array([2.0, np.nan, np.inf])), (np.array([1.0, 0.0, 0.0]),))]
)
def _nan_to_num(x: Array, copy: bool = True, nan: Array = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    x = operand(x)

    def repaired(part: Array) -> Array:
        if part.dtype.kind != "f":
            return +part
        greatest = float(np.finfo(part.dtype).max)
        y: Array = part
        for broken, fill in (
            (np.isnan(part), nan),
            (part == np.inf, greatest if posinf is None else posinf),
            (part == -np.inf, -greatest if neginf is None else neginf),
        ):
            y = np.where(broken, fill if type(fill) in (int, float) else operand(fill).astype(part.dtype), y)
        return y

    y = from_parts(repaired(np.real(x)), repaired(np.imag(x))) if x.dtype.kind == "c" else repaired(x)
    return y if copy else deliver(y, x, "np.nan_to_num")


# Between points


def _nodes(rng: np.random.Generator) -> list[Call]:
    xp, fp = np.cumsum(rng.uniform(0.5, 1.0, 5)), rng.normal(size=5)
    x = rng.uniform(0.0, 5.0, (2, 3))
    return [
        call(x, xp, fp),
        call(x[0, 0], xp, fp),
        call(x, xp, fp, left=-1, right=2),
        call(x, xp, fp, period=4),
        call(x[0], xp, fp + 1j * fp[::-1]),
        call(x[0], xp[:1], fp[:1]),
    ]


@composite(np.interp, samples=_nodes)
def _interp(x: Array, xp: Array, fp: Array, left: Any = None, right: Any = None, period: Any = None) -> Array:
    x, xp, fp = [_in_double(operand(part)) for part in (x, xp, fp)]
    if xp.ndim != 1 or fp.shape != xp.shape or xp.shape[0] == 0:
        raise ValueError(
            f"np.interp takes xp and fp of one dimension and equal, nonzero lengths; got shapes {xp.shape}, {fp.shape}."
        )
    if period is not None:
        left = right = None
        x, xp, fp = _periodic(x, xp, fp, abs(period))
    left, right = (fp[0] if left is None else left), (fp[-1] if right is None else right)
    y: Array
    if xp.shape[0] == 1:
        y = np.where(x == x, fp[0], np.nan)
    else:
        i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, xp.shape[0] - 2)
        slopes = (fp[1:] - fp[:-1]) / (xp[1:] - xp[:-1])
        y = read_at(fp, i) + (x - read_at(xp, i)) * read_at(slopes, i)
    return np.where(x < xp[0], left, np.where(x > xp[-1], right, y))


def _in_double(x: Array) -> Array:
    """``x`` in double precision, in which NumPy interpolates whatever it is given."""
    return x if getattr(x, "dtype", None) in (np.float64, np.complex128) else x * np.float64(1.0)


def _periodic(x: Array, xp: Array, fp: Array, period: Any) -> tuple[Array, Array, Array]:
    """``x`` within one period, and the points in order within it and once more around its ends."""
    xp = xp % period
    order = np.argsort(xp)
    around = np.concatenate([order[-1:], order, order[:1]])
    shift = np.zeros(around.shape[0], xp.dtype)
    shift[0], shift[-1] = -period, period
    return x % period, xp[around] + shift, fp[around]
