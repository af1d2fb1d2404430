"""The same elements in another shape, or with their axes in another order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.lib.stride_tricks import sliding_window_view

from wengert._types import Array, Axis, Shape
from wengert.core.aliasing import model_of
from wengert.core.cotangents import HALF, SINGLE, fit
from wengert.core.dispatch import Box, apply, operand
from wengert.core.op import Op, View
from wengert.core.registry import register
from wengert.ops.cases import call, drawn
from wengert.ops.entries import composite, linear

__all__ = ["array_of", "at_least"]

RESHAPE: Op = register(
    Op(
        "reshape",
        "linear",
        lambda a, shape, order="C": a.reshape(shape, order=order),
        ("a",),
        (lambda g, a_like, order="C": g.reshape(a_like.shape, order=order),),
        view="writeable",
    )
)


@composite(
    np.reshape,
    samples=drawn(
        ((2, 3), (3, 2)), ((2, 3), -1), ((2, 3, 4), (4, -1)), ((2, 3), (3, 2), "F"), ((6,), (3, 2), {"order": "A"}),
        ((), (1, 1)), ((1,), ()), ((0, 3), (3, 0)), ((2, 3), {"shape": (6,), "order": "F"}),
        ((2, 3), 6, {"copy": True}),
    ),
)  # fmt: skip
def _reshape(a: Array, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: bool | None = None) -> Array:
    params = {"shape": newshape if shape is None else shape}
    if order != "C":
        params["order"] = _resolved_order(a, order)
    y = a._apply_alone(RESHAPE, params)
    if copy is None:
        return y
    is_view = not isinstance(y, Box) or y._view is not None
    if not copy and not is_view:
        raise ValueError(f"reshape of shape {a.shape} to {shape} takes a copy, and copy=False was given.")
    return np.copy(y) if copy and is_view else y


def _resolved_order(a: Array, order: str) -> str:
    """``order``, with ``"A"`` (as the array lies in memory) replaced by what it means for ``a``."""
    if order != "A":
        return order
    return "F" if model_of(a).flags.fnc else "C"


RAVEL: Op = register(
    Op(
        "ravel",
        "linear",
        lambda a, order="C": a.ravel(order),
        ("a",),
        (lambda g, a_like, order="C": g.reshape(a_like.shape, order=order),),
        view="writeable",
    )
)


@composite(np.ravel, samples=drawn(((2, 3),), ((2, 3), "F"), ((2, 3), "K"), ((2, 3), {"order": "A"}), ((),), ((0, 3),)))
def _ravel(a: Array, order: str = "C") -> Array:
    order = _resolved_order(a, order)
    if order == "K":
        strides = model_of(a).strides
        axes = sorted(range(a.ndim), key=lambda i: -abs(strides[i]))
        a, order = np.transpose(a, axes), "C"
    return a._apply_alone(RAVEL, {} if order == "C" else {"order": order})


def _untransposed(g: Array, axes: Any = None) -> Array:
    if axes is None:
        return g.transpose()
    axes = normalize_axis_tuple(axes, g.ndim)
    return g.transpose([axes.index(i) for i in range(g.ndim)])


linear(
    np.transpose,
    "a axes",
    evaluate=lambda a, axes=None: a.transpose(axes),
    a=_untransposed,
    view="writeable",
    samples=drawn(
        ((2, 3),), ((2, 3, 4), (2, 0, 1)), ((2, 3, 4), {"axes": (-1, 0, -2)}), ((2, 3), None), ((3,),), ((),), ((0, 3),)
    ),
)


@composite(np.swapaxes, samples=drawn(((2, 3, 4), 0, 2), ((2, 3, 4), -1, 1), ((2, 3), 0, 0)))
def _swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    axes = list(range(a.ndim))
    i, j = normalize_axis_index(axis1, a.ndim), normalize_axis_index(axis2, a.ndim)
    axes[i], axes[j] = j, i
    return np.transpose(a, axes)


@composite(np.moveaxis, samples=drawn(((2, 3, 4), 0, -1), ((2, 3, 4), (0, 1), (-1, 0)), ((2, 3, 4), [2], [0])))
def _moveaxis(a: Array, source: Any, destination: Any) -> Array:
    sources = normalize_axis_tuple(source, a.ndim, "source")
    destinations = normalize_axis_tuple(destination, a.ndim, "destination")
    if len(sources) != len(destinations):
        raise ValueError(f"moveaxis: source={source} and destination={destination} differ in number.")
    axes = [i for i in range(a.ndim) if i not in sources]
    for to, axis in sorted(zip(destinations, sources, strict=True)):
        axes.insert(to, axis)
    return np.transpose(a, axes)


@composite(np.rollaxis, samples=drawn(((2, 3, 4), 2), ((2, 3, 4), 0, 3), ((2, 3, 4), -1, -2), ((2, 3), 1, 1)))
def _rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    axis = normalize_axis_index(axis, a.ndim)
    if not -a.ndim <= start <= a.ndim:
        raise np.exceptions.AxisError(f"rollaxis: start={start} for an array with {a.ndim} axes.")
    start += a.ndim if start < 0 else 0
    axes = [i for i in range(a.ndim) if i != axis]
    axes.insert(start - 1 if axis < start else start, axis)
    return np.transpose(a, axes)


@composite(np.matrix_transpose, np.linalg.matrix_transpose, samples=drawn(((2, 3),), ((2, 3, 4),)))
def _matrix_transpose(x: Array) -> Array:
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose takes an array with at least two axes; its shape is {x.shape}.")
    return np.swapaxes(x, -1, -2)


@composite(np.expand_dims, samples=drawn(((2, 3), 0), ((2, 3), -1), ((2, 3), (0, 2)), ((), 0), ((0, 2), 1)))
def _expand_dims(a: Array, axis: Any) -> Array:
    axis = axis if isinstance(axis, tuple | list) else (axis,)
    ndim = a.ndim + len(axis)
    places = normalize_axis_tuple(axis, ndim)
    rest = iter(a.shape)
    return np.reshape(a, tuple([1 if i in places else next(rest) for i in range(ndim)]))


@composite(np.squeeze, samples=drawn(((1, 3, 1),), ((1, 3, 1), 0), ((1, 3, 1), {"axis": (0, -1)}), ((1, 1),), ((),)))
def _squeeze(a: Array, axis: Axis = None) -> Array:
    if axis is None and 1 not in a.shape:
        return a
    if axis is None or (a.ndim == 0 and axis in (0, -1)):
        return np.reshape(a, tuple([n for n in a.shape if n != 1]))
    places = normalize_axis_tuple(axis, a.ndim)
    if any([a.shape[i] != 1 for i in places]):
        raise ValueError(f"squeeze: axis={axis} of an array of shape {a.shape}; only axes of length 1 can be dropped.")
    return np.reshape(a, tuple([n for i, n in enumerate(a.shape) if i not in places]))


linear(
    np.broadcast_to,
    "array shape subok",
    evaluate=lambda array, shape, subok=False: np.broadcast_to(array, shape),
    array=lambda g, array_like: fit(g, array_like.shape),
    view="read-only",
    samples=drawn(((3,), (2, 3)), ((2, 1), (2, 3)), ((), (2,)), ((1, 3), {"shape": (4, 2, 3)}), ((1,), 0), ((3,), 3)),
)


@composite(
    np.broadcast_arrays,
    samples=lambda r: [
        call(r.normal(size=3), r.normal(size=(2, 1))),
        call(r.normal(size=()), r.normal(size=(0, 2))),
    ],
)
def _broadcast_arrays(*args: Array, subok: bool = False) -> tuple[Array, ...]:
    arrays = [array_of(x) for x in args]
    shape = np.broadcast_shapes(*[x.shape for x in arrays])
    return tuple([x if x.shape == shape else np.broadcast_to(x, shape) for x in arrays])


def array_of(x: Any) -> Array:
    """``x`` as an array or a box."""
    x = operand(x)
    return x if isinstance(x, Box) else np.asarray(x)


def at_least(ndim: int, x: Array) -> Array:
    """``x`` with axes of length 1 added as ``np.atleast_1d``, ``np.atleast_2d`` and ``np.atleast_3d`` add them."""
    x = array_of(x)
    if x.ndim >= ndim:
        return x
    if ndim < 3:
        return np.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return np.reshape(x, {0: (1, 1, 1), 1: (1, *x.shape, 1), 2: (*x.shape, 1)}[x.ndim])


def _at_least(function: Any, ndim: int) -> None:
    @composite(function, samples=drawn(((),), ((3,),), ((2, 3),), ((2, 3, 4),)))
    def at_least_all(*arys: Array) -> Any:
        made = tuple([at_least(ndim, x) for x in arys])
        return made[0] if len(made) == 1 else made


for _ndim, _function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d), 1):
    _at_least(_function, _ndim)


# Windows that slide along axes


def _fold(g: Array, shape: Shape, window_shape: Any, axis: Any) -> np.ndarray[Any, Any]:
    """Each window's elements added to the places that the window showed."""
    windows, axes = _windows(len(shape), window_shape, axis)
    total = np.zeros(shape, SINGLE if g.dtype == HALF else g.dtype)
    for offsets in np.ndindex(*windows):
        starts = [0] * len(shape)
        for i, offset in zip(axes, offsets, strict=True):
            starts[i] += offset
        total[tuple([slice(s, s + n) for s, n in zip(starts, g.shape, strict=False)])] += g[(..., *offsets)]
    return total


def _windows(ndim: int, window_shape: Any, axis: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    windows = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    axes = tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim, allow_duplicate=True)
    return windows, axes


FOLD: Op = register(
    Op("fold", "linear", _fold, ("g",), (lambda g, window_shape, axis: sliding_window_view(g, window_shape, axis),))
)


def _windows_op(name: str, writeable: bool, view: View) -> Op:
    return register(
        Op(
            name,
            "linear",
            lambda x, window_shape, axis=None: sliding_window_view(x, window_shape, axis, writeable=writeable),
            ("x",),
            (
                lambda g, x_like, window_shape, axis=None: apply(
                    FOLD, (g,), {"shape": x_like.shape, "window_shape": window_shape, "axis": axis}
                ),
            ),
            view=view,
        )
    )


_WINDOWS = _windows_op("sliding_window_view", False, "read-only")
_WRITEABLE_WINDOWS = _windows_op("writeable_windows", True, "overlapping")


@composite(
    sliding_window_view,
    samples=drawn(
        ((5,), 3), ((4, 5), (2, 3)), ((4, 5), 2, 1), ((4, 5), {"window_shape": (2, 2), "axis": (0, 0)}), ((3,), 1),
        ((4,), 2, {"writeable": True}),
    ),
)  # fmt: skip
def _sliding_window_view(
    x: Array, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Array:
    params = {"window_shape": window_shape} if axis is None else {"window_shape": window_shape, "axis": axis}
    return apply(_WRITEABLE_WINDOWS if writeable else _WINDOWS, (array_of(x),), params)
