"""Medians, quantiles and percentiles: places in sorted order, and lines between two of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array, Axis
from wengert.core.aliasing import deliver, holds_everywhere, is_traced, keeps_gradient
from wengert.core.dispatch import operand
from wengert.errors import UnsupportedFunction
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite
from wengert.ops.index import read_at
from wengert.ops.products import lined_up
from wengert.ops.queries import plain_tree
from wengert.ops.reduce import axes_of, kept_shape


def _sorted_lines(a: Array, axis: Axis) -> Array:
    """What is reduced in sorted order along the last axis; nothing but NaNs where there was one."""
    lines = np.sort(lined_up(a, axis), axis=-1)
    if lines.shape[-1] == 0:
        raise ValueError("A median or quantile of no elements is undefined.")
    with_nan = np.isnan(plain_tree(lines[..., -1:])) if a.dtype.kind in "fc" else np.False_
    if not is_traced(with_nan) and not with_nan.any():
        return lines
    # A factor rather than a choice: where the result is NaN, so is the derivative.
    return lines * np.where(with_nan, np.nan, 1.0).astype(lines.dtype)


def _finished(y: Array, a: Array, axis: Axis, keepdims: bool, lead: tuple[int, ...] = ()) -> Array:
    return np.reshape(y, lead + kept_shape(a.shape, axes_of(axis, a.ndim))) if keepdims else y


def _arrays(rng: np.random.Generator) -> list[Call]:
    a = rng.permutation(30).reshape(2, 3, 5) / 7.0
    return [call(a), call(a, 1), call(a[0, :, :4], axis=-1, keepdims=True), call(a, axis=(0, 2)), call(a[0, 0, 0])]


@composite(
    np.median,
    samples=_arrays,
    kinks=[(call(np.array([1.0, np.nan, 2.0])), (np.array([0.0, 0.0, np.nan]),))],
)
def _median(
    a: Array, axis: Axis = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Array:
    a = operand(a)
    lines = _sorted_lines(a, axis)
    n = lines.shape[-1]
    middle = lines[..., n // 2]
    y = _finished(middle if n % 2 else (lines[..., n // 2 - 1] + middle) / 2.0, a, axis, keepdims)
    return y if out is None else deliver(y, out, "np.median")


def _check_method(method: Any, name: str) -> None:
    if method != "linear":
        raise UnsupportedFunction(f"{name}: only method='linear' has a derivative by the probability, not {method!r}.")


def _split(places: Array, a: Array, q: Array) -> tuple[Any, Array]:
    """The element before each place between two, and how far on the place lies, in the precision of the result."""
    low = np.floor(plain_tree(places)).astype(np.intp)
    part = places - low
    if a.dtype.kind == "f" and np.result_type(q, a) == a.dtype:
        part = part.astype(a.dtype)
    return low, part


def _quantile_along(a: Array, q: Array, axis: Axis, method: Any, keepdims: bool, name: str) -> Array:
    """Quantiles ``q``. What they are of consecutive numbers says where they lie between which two elements."""
    lines = _sorted_lines(a, axis)
    n = lines.shape[-1]
    if keeps_gradient(q):
        _check_method(method, name)
        places = q * (n - 1.0)
    else:
        places = np.quantile(np.arange(n, dtype=np.float64), plain_tree(q), method=method)
    low, part = _split(np.reshape(places, (-1,)), a, q)
    below, above = lines[..., low], lines[..., np.minimum(low + 1, n - 1)]
    y = np.moveaxis(below + (above - below) * part, -1, 0)
    lead = np.shape(places)
    return _finished(np.reshape(y, lead + y.shape[1:]), a, axis, keepdims, lead)


def _quantile_samples(scale: float) -> Callable[[np.random.Generator], list[Call]]:
    def samples(rng: np.random.Generator) -> list[Call]:
        a = rng.permutation(30).reshape(2, 3, 5) / 7.0
        q = np.array([0.3, 0.85]) * scale
        return [
            call(a, q),
            call(a, 0.4 * scale, axis=1),
            call(a, q[0], (0, 2), keepdims=True),
            call(a[0], [0.1 * scale, 1.0 * scale], -1, keepdims=True),
            *[call(a[0, 0], 0.3 * scale, method=m) for m in ("lower", "nearest", "midpoint", "hazen", "inverted_cdf")],
        ]

    return samples


def _enter(function: Callable[..., Any], scale: float, along: Callable[..., Array] = _quantile_along) -> None:
    """Enter a function of probabilities that are given as parts of ``scale``."""

    @composite(function, samples=_quantile_samples(scale))
    def quantile(
        a: Array,
        q: Array,
        axis: Axis = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
    ) -> Array:
        name = f"np.{function.__name__}"
        if weights is not None:
            raise UnsupportedFunction(f"{name}: quantiles with weights jump, so they have no useful derivative.")
        q = operand(q)
        if scale != 1.0:
            q = q / scale
        y = along(operand(a), q, axis, method, keepdims, name)
        return y if out is None else deliver(y, out, name)


_enter(np.quantile, 1.0)
_enter(np.percentile, 100.0)


# Those of numbers that aren't NaN: sorted, they come first in each line


def _numbers_first(a: Array, axis: Axis) -> tuple[Array, Any]:
    """What is reduced in sorted order along the last axis, and how many numbers each line has."""
    lines = np.sort(lined_up(a, axis), axis=-1)
    counts = np.count_nonzero(~np.isnan(plain_tree(lines)), axis=-1)
    if not holds_everywhere(counts, otherwise=True):
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=4)
    return lines, counts


def _read(lines: Array, places: Any) -> Array:
    """The element of each line at its place; NaN of a line without elements."""
    if lines.shape[-1] == 0:
        return np.full(places.shape, np.nan, lines.dtype)
    return np.take_along_axis(lines, places, -1)


def _with_gaps(rng: np.random.Generator) -> list[Call]:
    a = rng.permutation(24).reshape(2, 3, 4) / 7.0
    return [call(a), call(a, axis=1), call(a, axis=(0, 2), keepdims=True), call(a[0, 0], axis=-1), call(a[0, 0, :3])]


_GAPS = np.array([[1.0, np.nan, 2.0], [np.nan, 5.0, np.nan]])


@composite(
    np.nanmedian,
    samples=_with_gaps,
    kinks=[
        (call(_GAPS), (np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]),)),
        (call(_GAPS, axis=1), (np.array([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]),)),
    ],
)
def _nanmedian(
    a: Array, axis: Axis = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Array:
    a = operand(a)
    lines, counts = _numbers_first(a, axis)
    low, high = np.maximum(counts - 1, 0) // 2, counts // 2
    high = np.where(counts == 0, 0, high)
    middle = _read(lines, np.stack([low, high], axis=-1))
    y = _finished((middle[..., 0] + middle[..., 1]) / 2.0, a, axis, keepdims)
    return y if out is None else deliver(y, out, "np.nanmedian")


def _places(counts: Any, q: Array, method: Any, name: str, longest: int) -> Array:
    """Where the quantiles of each line lie, along the last axis."""
    q = np.reshape(q, (-1,))
    if keeps_gradient(q):
        _check_method(method, name)
        return np.expand_dims(np.maximum(counts - 1.0, 0.0), -1) * q
    if is_traced(counts):
        lines = [np.arange(max(n, 1), dtype=np.float64) for n in range(longest + 1)]
        return read_at(np.stack([np.quantile(line, plain_tree(q), method=method) for line in lines]), counts)
    places = np.zeros((*counts.shape, q.shape[0]))
    for n in np.unique(counts[counts > 0]):
        places[counts == n] = np.quantile(np.arange(n, dtype=np.float64), plain_tree(q), method=method)
    return places


def _nanquantile_along(a: Array, q: Array, axis: Axis, method: Any, keepdims: bool, name: str) -> Array:
    lines, counts = _numbers_first(a, axis)
    places = _places(counts, q, method, name, lines.shape[-1])
    low, part = _split(places, a, q)
    below = _read(lines, low)
    above = _read(lines, np.minimum(low + 1, np.maximum(counts - 1, 0)[..., None]))
    y = np.moveaxis(below + (above - below) * part, -1, 0)
    lead = np.shape(q)
    return _finished(np.reshape(y, lead + y.shape[1:]), a, axis, keepdims, lead)


_enter(np.nanquantile, 1.0, _nanquantile_along)
_enter(np.nanpercentile, 100.0, _nanquantile_along)
