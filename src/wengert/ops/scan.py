"""Running sums and products, and their inverses: differences and slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array, Axis
from wengert.core.aliasing import deliver
from wengert.core.arraymethods import converted
from wengert.core.cotangents import HALF, SINGLE
from wengert.core.dispatch import apply, operand
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import Call, call
from wengert.ops.contract import conjugate
from wengert.ops.entries import composite
from wengert.ops.products import is_safe_divisor
from wengert.ops.reduce import axes_of

Scan = Callable[..., Array]


def _from(axis: int, start: int | None = None, stop: int | None = None, step: int | None = None) -> Any:
    """The index of a slice along ``axis``."""
    return (slice(None),) * axis + (slice(start, stop, step),)


def _backward_sum(g: Array, axis: int) -> Array:
    """The sum of each element and all after it."""
    back = _from(axis, step=-1)
    return np.cumsum(g[back], axis=axis)[back]


def _running_sum(a: Array, axis: int, dtype: Any = None) -> Array:
    if dtype is None and a.dtype is HALF:
        return np.add.accumulate(a, axis, SINGLE).astype(HALF)
    return np.add.accumulate(a, axis, dtype)


_CUMSUM = register(Op("cumsum", "linear", _running_sum, ("a",), (lambda g, axis: _backward_sum(g, axis),)))


def _cumprod_pull(g: Array, a: Array, y: Array, axis: int) -> Array:
    """``Σₖ≥ᵢ gₖ Πⱼ≤ₖ, ⱼ≠ᵢ aⱼ``."""
    if is_safe_divisor(a, y):
        return _backward_sum(g * conjugate(y), axis) / conjugate(a)
    one = np.ones((*a.shape[:axis], min(1, a.shape[axis]), *a.shape[axis + 1 :]), a.dtype)
    before = np.concatenate([one, np.cumprod(a[_from(axis, stop=-1)], axis=axis)], axis=axis)
    return conjugate(before) * _weighted_tail(g, conjugate(a), axis)


def _weighted_tail(g: Array, a: Array, axis: int) -> Array:
    """``Σₖ≥ᵢ gₖ Πᵢ<ⱼ≤ₖ aⱼ``, that is, ``sᵢ = gᵢ + aᵢ₊₁ sᵢ₊₁``, without division.

    After each step ``s`` takes in twice as many terms, and ``factor`` is the product of as many elements (Hillis and
    Steele, "Data parallel algorithms", CACM 29, 1986).
    """
    n = a.shape[axis]
    s, factor, distance = g, a[_from(axis, 1)], 1
    while distance < n:
        kept, ahead = s[_from(axis, stop=-distance)], s[_from(axis, distance)]
        s = np.concatenate([kept + factor * ahead, s[_from(axis, n - distance)]], axis=axis)
        factor = factor[_from(axis, stop=-distance)] * factor[_from(axis, distance)]
        distance *= 2
    return s


_CUMPROD = register(
    Op(
        "cumprod",
        "structured",
        lambda a, axis, dtype=None: np.multiply.accumulate(a, axis, dtype),
        ("a",),
        (_cumprod_pull,),
    )
)


def _scanned(op: Op, a: Array, axis: int | tuple[int, ...] | None, dtype: Any, out: Any) -> Array:
    """``op`` along ``axis``; of all elements in order, if that is ``None``."""
    a = operand(a)
    if isinstance(axis, tuple):
        if len(axis) != 1:
            raise ValueError(f"np.{op.name} and accumulate run along one axis; axis={axis}.")
        axis = axis[0]
    if axis is None or a.ndim == 0:
        a = np.reshape(a, (-1,))
        axis = 0
    params: dict[str, Any] = {"axis": axis % a.ndim if -a.ndim <= axis < a.ndim else axis}
    if dtype is not None:
        params["dtype"] = dtype
    y = apply(op, (a,), params)
    return y if out is None else deliver(y, out, f"np.{op.name}")


def _samples(rng: np.random.Generator) -> list[Call]:
    a = rng.uniform(0.5, 1.5, (2, 3, 2)) * rng.choice([-1.0, 1.0], (2, 3, 2))
    return [call(a), call(a, axis=1), call(a, axis=-1), call(a[0], 0), call(a[0, 0, 0]), call(a[:, :0], axis=1)]


def _with_zeros(rng: np.random.Generator) -> list[Call]:
    a = np.array([[1.5, 0.0, -0.5, 2.0, 1.2], [0.0, 0.7, 0.0, -1.2, 0.0]])
    return [*_samples(rng), call(a, axis=1), call(a, axis=0), call(a), call(a[:, :1], axis=1)]


_ZERO = [(call(np.array([2.0, 0.0, 3.0])), (np.array([1.0, 8.0, 0.0]),))]


@composite(np.cumsum, samples=_samples, analytic=True)
def _cumsum(a: Array, axis: int | None = None, dtype: Any = None, out: Any = None) -> Array:
    return _scanned(_CUMSUM, a, axis, dtype, out)


@composite(
    np.add.accumulate, samples=lambda rng: [call(rng.normal(size=(3, 2))), call(rng.normal(size=(3, 2)), axis=1)]
)
def _add_accumulate(array: Array, axis: int = 0, dtype: Any = None, out: Any = None) -> Array:
    return _scanned(_CUMSUM, array, axis, dtype, out)


@composite(np.cumprod, samples=_with_zeros, kinks=_ZERO, analytic=True)
def _cumprod(a: Array, axis: int | None = None, dtype: Any = None, out: Any = None) -> Array:
    return _scanned(_CUMPROD, a, axis, dtype, out)


@composite(
    np.multiply.accumulate,
    samples=lambda rng: [call(rng.uniform(0.5, 1.5, (3, 2))), call(rng.uniform(0.5, 1.5, (3, 2)), axis=1)],
)
def _multiply_accumulate(array: Array, axis: int = 0, dtype: Any = None, out: Any = None) -> Array:
    return _scanned(_CUMPROD, array, axis, dtype, out)


def _cumulative(function: Callable[..., Any], scan: Scan, start: float) -> None:
    """The array API's name for ``scan``; with ``include_initial`` it begins with ``start``."""

    @composite(
        function,
        samples=lambda rng: [
            call(rng.uniform(0.5, 1.5, 3)),
            call(rng.uniform(0.5, 1.5, (2, 3)), axis=1, include_initial=True),
        ],
    )
    def cumulative(
        x: Array, /, *, axis: int | None = None, dtype: Any = None, out: Any = None, include_initial: bool = False
    ) -> Array:
        if axis is None:
            if x.ndim > 1:
                raise ValueError(f"np.{function.__name__} of an array with {x.ndim} axes needs to be told the axis.")
            axis = 0
        y = scan(np.reshape(x, (1,)) if x.ndim == 0 else x, axis, dtype)
        if include_initial:
            first = np.full((*y.shape[: axis % y.ndim], 1, *y.shape[axis % y.ndim + 1 :]), start, y.dtype)
            y = np.concatenate([first, y], axis=axis)
        return y if out is None else deliver(y, out, f"np.{function.__name__}")


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    _cumulative(np.cumulative_sum, _cumsum, 0.0)
    _cumulative(np.cumulative_prod, _cumprod, 1.0)

_GAP = np.array([2.0, np.nan, 3.0])


@composite(np.nancumsum, samples=_samples, kinks=[(call(_GAP), (np.array([3.0, 0.0, 1.0]),))])
def _nancumsum(a: Array, axis: int | None = None, dtype: Any = None, out: Any = None) -> Array:
    return _cumsum(np.where(np.isnan(a), 0.0, a), axis, dtype, out)


@composite(np.nancumprod, samples=_samples, kinks=[(call(_GAP), (np.array([5.0, 0.0, 2.0]),))])
def _nancumprod(a: Array, axis: int | None = None, dtype: Any = None, out: Any = None) -> Array:
    return _cumprod(np.where(np.isnan(a), 1.0, a), axis, dtype, out)


# Differences


def _differences(rng: np.random.Generator) -> list[Call]:
    a = rng.normal(size=(3, 4))
    return [
        call(a),
        call(a, 2, 0),
        call(a, axis=0, prepend=a[:1], append=1.5),
        call(a[0], 1, -1, 0.25, a[1, :2]),
        call(a, n=0),
        call(a[:, :1], n=3),
    ]


def _edge(edge: Any, a: Array, axis: int) -> Array:
    """What ``np.diff`` puts before or after ``a``."""
    edge = operand(edge)
    if np.ndim(edge) == 0:
        return np.broadcast_to(edge, (*a.shape[:axis], 1, *a.shape[axis + 1 :]))
    return edge


@composite(np.diff, samples=_differences, analytic=True)
def _diff(a: Array, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Array:
    if n == 0:
        return a
    a = operand(a)
    if n < 0 or a.ndim == 0:
        raise ValueError(f"np.diff takes an array with axes and an order n ≥ 0; got {a.ndim} axes and n = {n}.")
    axis = range(a.ndim)[axis]
    parts = [_edge(prepend, a, axis)] if prepend is not np._NoValue else []
    parts.append(a)
    if append is not np._NoValue:
        parts.append(_edge(append, a, axis))
    if len(parts) > 1:
        a = np.concatenate(parts, axis=axis)
    for _ in range(n):
        later, earlier = a[_from(axis, 1)], a[_from(axis, stop=-1)]
        a = later != earlier if a.dtype.kind == "b" else later - earlier
    return a


@composite(
    np.ediff1d,
    samples=lambda rng: [
        call(rng.normal(size=(2, 3))),
        call(rng.normal(size=3), rng.normal(size=2), rng.normal(size=(1, 2))),
        call(rng.normal(size=1), to_begin=0.5),
    ],
    analytic=True,
)
def _ediff1d(ary: Array, to_end: Any = None, to_begin: Any = None) -> Array:
    ary = np.reshape(operand(ary), (-1,))
    between = ary[1:] - ary[:-1]
    parts = [_line(to_begin, ary.dtype), between, _line(to_end, ary.dtype)]
    parts = [part for part in parts if part is not None]
    return np.concatenate(parts) if len(parts) > 1 else between


def _line(x: Any, dtype: np.dtype[Any]) -> Array:
    """``x`` in one axis, as ``dtype``; nothing if it is ``None``."""
    if x is None:
        return None
    line = np.reshape(operand(x), (-1,))
    return line if line.dtype == dtype else converted(line, dtype)


def _integrals(rng: np.random.Generator) -> list[Call]:
    y = rng.normal(size=(2, 4))
    return [
        call(y),
        call(y, None, 0.5, 0),
        call(y, np.cumsum(rng.uniform(0.5, 1.0, 4))),
        call(y, np.cumsum(rng.uniform(0.5, 1.0, (2, 4)), axis=0), axis=0),
    ]


@composite(np.trapezoid, samples=_integrals)
def _trapezoid(y: Array, x: Array = None, dx: Any = 1.0, axis: int = -1) -> Array:
    y = operand(y)
    axis = range(y.ndim)[axis]
    if x is None:
        width = dx
    else:
        x = operand(x)
        width = x[1:] - x[:-1] if x.ndim == 1 else np.diff(x, axis=axis)
        if x.ndim == 1:
            width = np.reshape(width, [-1 if i == axis else 1 for i in range(y.ndim)])
    return np.sum(width * (y[_from(axis, 1)] + y[_from(axis, stop=-1)]) / 2.0, axis=axis)


# Slopes


def _slopes(rng: np.random.Generator) -> list[Call]:
    f = rng.normal(size=(3, 4))
    x = np.cumsum(rng.uniform(0.5, 1.0, 4))
    return [
        call(f),
        call(f[0]),
        call(f, 0.5, axis=1),
        call(f, 2.0, x),
        call(f, x, axis=-1, edge_order=2),
        call(f, np.array(0.5), axis=(1, 0)),
        call(f[0], edge_order=2),
    ]


def _slope(f: Array, spacing: Any, axis: int, edge_order: int) -> Array:
    """Second-order differences inside; one-sided ones of ``edge_order`` at the ends."""
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(f"np.gradient: axis {axis} has {n} elements; edge_order={edge_order} takes {edge_order + 1}.")
    h, inner, start, end = spacing, 0.5, 0.5, 0.5
    if np.ndim(spacing) > 0:
        if np.shape(spacing) != (n,):
            raise ValueError(
                f"np.gradient: coordinates of shape {np.shape(spacing)} for axis {axis} with {n} elements."
            )
        h = np.reshape(np.diff(spacing), [-1 if i == axis else 1 for i in range(f.ndim)])
        left, right = h[_from(axis, stop=-1)], h[_from(axis, 1)]
        inner = left / (left + right)
        start, end = inner[_from(axis, stop=1)], 1.0 - inner[_from(axis, n - 3)]
    rise = np.diff(f, axis=axis) / h
    before, after = rise[_from(axis, stop=-1)], rise[_from(axis, 1)]
    inside = before + (after - before) * inner
    first, last = rise[_from(axis, stop=1)], rise[_from(axis, n - 2)]
    if edge_order == 2:
        first = first + (first - rise[_from(axis, 1, 2)]) * start
        last = last + (last - rise[_from(axis, n - 3, n - 2)]) * end
    return np.concatenate([first, inside, last], axis=axis)


@composite(np.gradient, samples=_slopes)
def _gradient(f: Array, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    f = operand(f)
    axes = axes_of(axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: edge_order is 1 or 2; got {edge_order}.")
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 != len(axes) and np.ndim(varargs[0]) > 0):
        raise TypeError(f"np.gradient takes one spacing, or one an axis; got {len(varargs)} for {len(axes)} axes.")
    spacings = varargs or (1.0,)
    spacings = spacings if len(spacings) == len(axes) else spacings * len(axes)
    slopes = [_slope(f, operand(h), i, edge_order) for h, i in zip(spacings, axes, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)
