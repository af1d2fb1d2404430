"""``np.pad``: axis after axis, as NumPy does it, so that later axes also pad the corners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import innermost, is_traced
from wengert.core.dispatch import Box, apply, operand
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.errors import UnsupportedFunction
from wengert.ops.cases import drawn
from wengert.ops.entries import composite
from wengert.ops.index import read_at
from wengert.ops.join import along

__all__: list[str] = []

Pair = tuple[Any, Any]
Width = tuple[int, int]

PAD: Op = register(
    Op(
        "pad",
        "linear",
        lambda array, width: np.pad(array, width),
        ("array",),
        (lambda g, array_like, width: g[tuple(
            [slice(before, before + n) for (before, _), n in zip(width, array_like.shape, strict=True)]
        )],),
        selects=True,
    )
)  # fmt: skip


@composite(
    np.pad,
    samples=drawn(
        ((3,), 2), ((2, 3), ((1, 0), (0, 2))), ((3,), (1, 2), {"constant_values": (4.0, 5.0)}), ((), 0), ((2, 0), 1),
        ((2, 3), 1, "edge"), ((2, 3), (1, 2), "reflect"), ((3,), (4, 6), "reflect", {"reflect_type": "odd"}),
        ((1,), 3, "reflect", {"reflect_type": "odd"}), ((2, 3), 2, "symmetric"),
        ((3,), 4, "symmetric", {"reflect_type": "odd"}), ((3,), (2, 4), "wrap"), ((2, 3), 1, "mean"),
        ((4,), (2, 1), "mean", {"stat_length": (2, 3)}),
        ((3,), (2, 3), "linear_ramp", {"end_values": (1.0, -2.0)}), ((2, 3), 1, "linear_ramp"),
        ((4,), 2, "maximum"), ((4,), 1, "minimum", {"stat_length": 2}),
    ),
)  # fmt: skip
def _pad(array: Array, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Array:
    if callable(mode):
        raise UnsupportedFunction(
            "np.pad with a function for mode= has no derivative rule, as the function writes into plain arrays. Pad "
            "with np.concatenate."
        )
    known = {"constant_values", "end_values", "stat_length", "reflect_type"}
    if (mode not in _SIDES and mode not in _INDEXED and mode != "empty") or not known.issuperset(kwargs):
        raise ValueError(f"np.pad: mode={mode!r} with {', '.join(kwargs) or 'no options'}: no such mode or option.")
    if array.dtype.kind not in "fc" and not is_traced(array):
        return np.pad(innermost(array), pad_width, mode, **kwargs)
    widths = _widths(pad_width, array.ndim)
    if not widths:
        return np.copy(array)
    if mode == "empty" or (mode == "constant" and "constant_values" not in kwargs):
        return apply(PAD, (array,), {"width": tuple(widths)})
    options = _pairs(kwargs.get(_OPTIONS.get(mode, "stat_length")), array.ndim)
    odd = kwargs.get("reflect_type") == "odd"
    for axis, (width, option) in enumerate(zip(widths, options, strict=True)):
        if width != (0, 0):
            if mode in _INDEXED:
                array = (_reflected_oddly if odd else _indexed)(array, axis, width, mode)
            else:
                array = _with_sides(array, axis, width, option, _SIDES[mode])
    return array


def _widths(pad_width: Any, ndim: int) -> list[Width]:
    if isinstance(pad_width, dict):
        widths = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            widths[axis] = (width, width) if isinstance(width, int) else tuple(width)
        return widths
    widths = [(int(before), int(after)) for before, after in np.broadcast_to(pad_width, (ndim, 2)).tolist()]
    if any([n < 0 for width in widths for n in width]):
        raise ValueError(f"np.pad: pad_width={pad_width}; widths can't be negative.")
    return widths


def _pairs(option: Any, ndim: int) -> list[Pair]:
    """An option for each axis, before and after it."""
    if option is None:
        return [(None, None)] * ndim
    full = np.broadcast_to(operand(option), (ndim, 2))
    return [(full[i, 0], full[i, 1]) for i in range(ndim)]


def _with_sides(
    x: Array, axis: int, width: Width, option: Pair, side: Callable[[Array, int, int, Any, bool], Array]
) -> Array:
    """``x`` between what ``side(x, axis, width, option, is_right)`` makes for the two ends of an axis."""
    left, right = [side(x, axis, width[k], option[k], k == 1) for k in (0, 1)]
    return np.concatenate([left, x, right], axis, dtype=x.dtype, casting="same_kind")


def _shape(x: Array, axis: int, n: int) -> tuple[int, ...]:
    return (*x.shape[:axis], n, *x.shape[axis + 1 :])


def _constant(x: Array, axis: int, n: int, value: Any, is_right: bool) -> Array:
    value = value if isinstance(value, Box) else np.asarray(0 if value is None else value, x.dtype)
    return np.broadcast_to(value, _shape(x, axis, n))


def _ramp(x: Array, axis: int, n: int, end: Any, is_right: bool) -> Array:
    edge = read_at(x, along(axis, -1 if is_right else 0))
    end = end if isinstance(end, Box) else np.asarray(0 if end is None else end, x.dtype)
    ramp = np.linspace(end, edge, n, endpoint=False, axis=axis)
    return np.flip(ramp, axis) if is_right else ramp


def _statistic(of: Callable[..., Array]) -> Callable[[Array, int, int, Any, bool], Array]:
    def side(x: Array, axis: int, n: int, length: Any, is_right: bool) -> Array:
        count = x.shape[axis] if length is None else min(int(length), x.shape[axis])
        near = slice(x.shape[axis] - count, None) if is_right else slice(0, count)
        value = of(read_at(x, along(axis, near)), axis=axis, keepdims=True)
        return np.broadcast_to(value, _shape(x, axis, n))

    return side


_SIDES: dict[str, Callable[[Array, int, int, Any, bool], Array]] = {
    "constant": _constant,
    "linear_ramp": _ramp,
    "mean": _statistic(np.mean),
    "maximum": _statistic(np.max),
    "minimum": _statistic(np.min),
    "median": _statistic(np.median),
}

_OPTIONS = {"constant": "constant_values", "linear_ramp": "end_values"}
"""What may be given for an axis, where it isn't how many elements a statistic is taken of."""

_INDEXED = frozenset({"edge", "reflect", "symmetric", "wrap"})
"""Modes whose padding repeats elements. Which ones is what NumPy makes of their positions."""


def _indexed(x: Array, axis: int, width: Width, mode: Any) -> Array:
    return np.take(x, np.pad(np.arange(x.shape[axis]), width, mode), axis)


def _reflected_oddly(x: Array, axis: int, width: Width, mode: Any) -> Array:
    """Reflection in the end points: each element is ``±x[j] + p·x[0] + q·x[-1]``.

    The sign, ``p`` and ``q`` are what NumPy makes of a sequence that is zero at both ends, and of unit vectors.
    """
    n = x.shape[axis]

    def padded(values: Any) -> np.ndarray[Any, Any]:
        return np.pad(np.asarray(values, x.dtype), width, mode, reflect_type="odd")

    positions = np.pad(np.arange(n), width, mode)
    inside = (positions > 0) & (positions < n - 1)
    signs = padded((np.arange(n) > 0) & (np.arange(n) < n - 1)) * inside
    first = padded(np.arange(n) == 0)
    last = padded(np.arange(n) == n - 1) * (n > 1)
    shape = (-1,) + (1,) * (x.ndim - 1 - axis)
    ends = [read_at(x, along(axis, slice(i, i + 1 or None))) for i in (0, -1)]
    interior = np.take(x, positions, axis) * signs.reshape(shape)
    return interior + ends[0] * first.reshape(shape) + ends[1] * last.reshape(shape)
