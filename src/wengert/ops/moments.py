"""Variances, standard deviations, weighted averages, and reductions that leave NaNs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from wengert._types import Array, Axis
from wengert.core.aliasing import deliver, holds_everywhere
from wengert.core.arraymethods import converted
from wengert.core.cotangents import HALF, SINGLE
from wengert.core.dispatch import operand
from wengert.core.registry import FUNCTIONS, register_function
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite, structured
from wengert.ops.norms import ratio, real_product
from wengert.ops.queries import plain_tree
from wengert.ops.reduce import ADD_UP, axes_of, count, counted, keep, restrict


def _deviations(a: Array, axis: Axis) -> Array:
    """``a`` less its mean along ``axis``: exactly 0 where all values are equal, which a rounded mean is not."""
    if not isinstance(a, ndarray):
        return a - np.mean(a, axis=axis, keepdims=True)
    if axis is None and a.size:
        d = np.asarray(a - a.item(0))
    else:
        axes = axes_of(axis, a.ndim)
        d = a - a[tuple([slice(0, 1) if i in axes else slice(None) for i in range(a.ndim)])]
    n = count(a.shape, axis)
    d -= ADD_UP(d, axis, None, None, True) / n
    return d


def _variance(a: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Array:
    n = count(a.shape, axis)
    if n <= ddof or n == 0:
        return np.var(a, axis, dtype, None, ddof, keepdims)
    if dtype is not None or a.dtype.kind not in "fc":
        a = converted(a, np.float64 if dtype is None else dtype)
    if a.dtype is HALF:
        return converted(_variance(converted(a, SINGLE), axis, None, ddof, keepdims), HALF)
    d = _deviations(a, axis)
    square = d * d if d.dtype.kind != "c" else d.real * d.real + d.imag * d.imag
    return ADD_UP(square, axis, None, None, keepdims) / (n - ddof)


def _deviation(a: Array, axis: Axis = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False) -> Array:
    return np.sqrt(_variance(a, axis, dtype, ddof, keepdims))


def _freedom(a: Array, axis: Axis, ddof: float) -> float:
    """What the sum of squares is divided by; NaN where NumPy warns that it would not be positive."""
    n = count(a.shape, axis) - ddof
    return n if n > 0 else float("nan")


def _scaled(g: Array, a: Array, y: Array, axis: Axis, ddof: float, keepdims: bool) -> Array:
    """Of the standard deviation: ``g (a − mean) / (y n)``."""
    y = keep(y, a.shape, axis, keepdims)
    return keep(g, a.shape, axis, keepdims) / _freedom(a, axis, ddof) * ratio(_deviations(a, axis), y)


def _pushed(t: Array, derivative: Array, axis: Axis, keepdims: bool) -> Array:
    return np.sum(real_product(derivative, t), axis=axis, keepdims=keepdims)


def _spreads(rng: np.random.Generator) -> list[Call]:
    a = rng.normal(size=(2, 3, 5))
    z = a[0, :, :2] + 1j * a[1, :, :2]
    where = np.array([[True, True, True], [True, False, True]])
    return [
        call(a),
        call(a, axis=1, ddof=1),
        call(a, axis=(0, -1), keepdims=True),
        call(a[0], ddof=1.5, keepdims=True),
        call(a[0], axis=-1, correction=1),
        call(a[:, :, 0], axis=1, where=where, ddof=1),
        call(a[:, :, 0], where=where, keepdims=True),
        call(a[0, 0], mean=np.array([0.25])),
        call(z, axis=0),
        call(z, ddof=1, where=np.array([[True, False], [True, True], [True, True]])),
    ]


_EQUAL = np.array([[0.1, 0.1, 0.1], [1.0, 1.0, 1.0]])

structured(
    np.var,
    "a axis dtype out ddof keepdims",
    evaluate=_variance,
    a=lambda g, a, axis=None, ddof=0, keepdims=False: (
        keep(g, a.shape, axis, keepdims) * (2.0 / _freedom(a, axis, ddof)) * _deviations(a, axis)
    ),
    jvps=(
        lambda t, a, axis=None, ddof=0, keepdims=False: _pushed(
            t, (2.0 / _freedom(a, axis, ddof)) * _deviations(a, axis), axis, keepdims
        ),
    ),
    samples=_spreads,
)
structured(
    np.std,
    "a axis dtype out ddof keepdims",
    evaluate=_deviation,
    a=lambda g, a, y, axis=None, ddof=0, keepdims=False: _scaled(g, a, y, axis, ddof, keepdims),
    jvps=(
        lambda t, a, y, axis=None, ddof=0, keepdims=False: (
            _pushed(t, ratio(_deviations(a, axis), keep(y, a.shape, axis, keepdims)), axis, keepdims)
            / _freedom(a, axis, ddof)
        ),
    ),
    samples=lambda rng: [c for c in _spreads(rng) if np.size(c.args[0]) > 1],
    kinks=[
        (call(np.ones(3)), (np.zeros(3),)),
        (call(_EQUAL, axis=1, ddof=1), (np.zeros((2, 3)),)),
        (call(_EQUAL, axis=1, where=np.array([True, False, True])), (np.zeros((2, 3)),)),
        (call(np.full(2, 1 + 2j)), (np.zeros(2, complex),)),
    ],
)


def _with_choice(function: Callable[..., Any], combine: Callable[[Array, Array, Axis, bool], Array]) -> None:
    """Let ``function`` take ``where``, ``mean`` and ``correction``; ``combine`` takes deviations and a divisor."""
    plain = FUNCTIONS[function]

    def chosen(
        a: Array,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Array = True,
        mean: Array = None,
    ) -> Array:
        a = operand(a)
        wide = converted(a, SINGLE if a.dtype is HALF and dtype is None else dtype or a.dtype)
        narrow = wide.dtype != a.dtype and dtype is None and (mean is None or np.result_type(mean, a) == HALF)
        center = np.mean(wide, axis=axis, keepdims=True, where=where) if mean is None else mean
        d = restrict(wide - center, where, 0)
        freedom = np.maximum(counted(where, d, axis, keepdims) - ddof, 0.0, dtype=d.real.dtype)
        y = combine(d, freedom, axis, keepdims)
        if narrow:
            y = converted(y, HALF)
        return y if out is None else deliver(y, out, f"np.{function.__name__}")

    def moment(*args: Any, **params: Any) -> Array:
        if "correction" in params:
            correction = params.pop("correction")
            if params.get("ddof", args[4] if len(args) > 4 else 0) != 0:
                raise ValueError(f"np.{function.__name__}: ddof and correction are two names of one thing; give one.")
            params.pop("ddof", None)
            args = (*args[:4], correction, *args[5:]) if len(args) > 4 else args
            params.update({} if len(args) > 4 else {"ddof": correction})
        return chosen(*args, **params) if "where" in params or "mean" in params else plain(*args, **params)

    register_function(function, moment)


def _mean_square(d: Array, freedom: Array, axis: Axis, keepdims: bool) -> Array:
    return np.sum(real_product(d, d), axis=axis, keepdims=keepdims) / freedom


def _root_mean_square(d: Array, freedom: Array, axis: Any, keepdims: bool) -> Array:
    return np.linalg.vector_norm(d, axis=axis, keepdims=keepdims) / np.sqrt(freedom)


_with_choice(np.var, _mean_square)
_with_choice(np.std, _root_mean_square)

# Weighted averages


def _averages(rng: np.random.Generator) -> list[Call]:
    a = rng.normal(size=(2, 3, 2))
    w = rng.uniform(0.5, 1.5, (2, 3, 2))
    return [
        call(a),
        call(a, 1, w[0, :, 0]),
        call(a, None, w, keepdims=True),
        call(a, (0, 2), w[:, 0]),
        call(a, (2, 0), w[:, 0].T),
        call(a, -1, w),
        call(a, 1, w[0, :, 0], True),
        call(a, axis=0, returned=True),
    ]


def _fitted(weights: Array, a: Array, axis: Axis) -> Array:
    """``weights`` in a shape that broadcasts against ``a``."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError(f"np.average: weights of shape {weights.shape} for an array of shape {a.shape} need an axis.")
    axes = axes_of(axis, a.ndim)
    expected = tuple([a.shape[i] for i in axes])
    if weights.shape != expected:
        raise ValueError(
            f"np.average: weights have shape {weights.shape}; along axis {axis!r} the array's is {expected}."
        )
    order = sorted(range(len(axes)), key=axes.__getitem__)
    full = [a.shape[i] if i in axes else 1 for i in range(a.ndim)]
    return np.reshape(np.transpose(weights, order), full)


@composite(np.average, samples=_averages)
def _average(
    a: Array, axis: Axis = None, weights: Array = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    a = operand(a)
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.full(y.shape, count(a.shape, axis), y.dtype)
    else:
        fitted = _fitted(operand(weights), a, axis)
        total = np.sum(fitted, axis=axis, keepdims=keepdims)
        if not holds_everywhere(total != 0, otherwise=True):
            raise ZeroDivisionError("np.average: the weights sum to zero, so they can't be normalized.")
        y = np.sum(a * fitted, axis=axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, y.shape)) if returned else y


# NaNs left out


def _gaps(rng: np.random.Generator) -> list[Call]:
    a = rng.normal(size=(2, 3))
    return [
        call(a),
        call(a, axis=1),
        call(a, axis=(-1, 0), keepdims=True),
        call(a, axis=1, where=np.array([True, False, True])),
    ]


_GAP = np.array([[2.0, np.nan], [2.0, 2.0]])


def _leave_out(function: Callable[..., Any], base: Callable[..., Any], slope: float) -> None:
    """Let ``function`` be ``base`` of the elements that aren't NaN."""

    @composite(function, samples=_gaps, kinks=[(call(_GAP), (np.array([[slope, 0.0], [slope, slope]]),))])
    def leaving_out(a: Array, *args: Any, where: Array = True, **kwargs: Any) -> Array:
        names = ("axis", "dtype", "out", "keepdims", "initial", "where")
        if base in (np.sum, np.prod) and len(args) == len(names):
            *args, where = args  # type: ignore[assignment]
        return base(a, *args, where=np.logical_not(np.isnan(a)) & plain_tree(where), **kwargs)


_leave_out(np.nansum, np.sum, 1.0)
_leave_out(np.nanprod, np.prod, 4.0)
_leave_out(np.nanmean, np.mean, 1.0 / 3.0)
_leave_out(np.nanvar, np.var, 0.0)
_leave_out(np.nanstd, np.std, 0.0)
