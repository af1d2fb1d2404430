"""Medians, quantiles and percentiles: places in sorted order, and lines between two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array, Axis
from wengert.core.aliasing import deliver, keeps_gradient
from wengert.core.dispatch import operand
from wengert.errors import UnsupportedFunction
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite
from wengert.ops.products import lined_up
from wengert.ops.queries import plain_tree
from wengert.ops.reduce import axes_of, kept_shape


def _sorted_lines(a: Array, axis: Axis) -> Array:
    """What is reduced in sorted order along the last axis; nothing but NaNs where there was one."""
    lines = np.sort(lined_up(a, axis), axis=-1)
    if lines.shape[-1] == 0:
        raise ValueError("A median or quantile of no elements is undefined.")
    with_nan = np.isnan(plain_tree(lines[..., -1:])) if a.dtype.kind in "fc" else np.False_
    # A factor rather than a choice: where the result is NaN, so is the derivative.
    return lines * np.where(with_nan, np.nan, 1.0).astype(lines.dtype) if with_nan.any() else lines


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


def _quantile_along(a: Array, q: Array, axis: Axis, method: Any, keepdims: bool, name: str) -> Array:
    """Quantiles ``q``. What they are of consecutive numbers says where they lie between which two elements."""
    lines = _sorted_lines(a, axis)
    n = lines.shape[-1]
    if keeps_gradient(q):
        if method != "linear":
            raise UnsupportedFunction(
                f"{name}: only method='linear' has a derivative by the probability, not {method!r}."
            )
        places = q * (n - 1.0)
    else:
        places = np.quantile(np.arange(n, dtype=np.float64), plain_tree(q), method=method)
    flat = np.reshape(places, (-1,))
    low = np.floor(plain_tree(flat)).astype(np.intp)
    part = flat - low
    if a.dtype.kind == "f" and np.result_type(q, a) == a.dtype:
        part = part.astype(a.dtype)
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


def _enter(function: Callable[..., Any], scale: float) -> None:
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
        y = _quantile_along(operand(a), q, axis, method, keepdims, name)
        return y if out is None else deliver(y, out, name)


_enter(np.quantile, 1.0)
_enter(np.percentile, 100.0)
