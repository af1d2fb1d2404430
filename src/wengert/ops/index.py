"""Reading and writing elements by index."""

from __future__ import annotations

from collections.abc import Sequence
from operator import getitem
from operator import index as as_integer
from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from wengert._types import PLAIN, Array, Params, Shape
from wengert.core import modes
from wengert.core.aliasing import Layout, assign, blank, innermost, keeps_gradient, layout_of, model_of, region, write
from wengert.core.cotangents import HALF, SINGLE, Scatter, add_parts, names_once
from wengert.core.dispatch import Box, apply
from wengert.core.op import Op
from wengert.core.registry import register, register_function
from wengert.core.tape import Node
from wengert.errors import InputError
from wengert.ops.cases import drawn, enter

__all__ = [
    "GETITEM",
    "check_writable",
    "overwrite",
    "plain_index",
    "read_at",
    "replaced",
    "scattered",
    "spread",
    "updated",
]

Path = tuple[tuple[Op, Params], ...]

_BOUNDS = frozenset({int, NoneType})


def plain_index(given: Any) -> Any:
    """``given``, an index, without boxes, and out of reach of later changes to the arrays in it."""
    kind = type(given)
    if kind is int or kind is NoneType or kind is EllipsisType:
        return given
    if kind is slice:
        bounds = (given.start, given.stop, given.step)
        if type(bounds[0]) in _BOUNDS and type(bounds[1]) in _BOUNDS and type(bounds[2]) in _BOUNDS:
            return given
        return slice(*[None if b is None else as_integer(b) for b in bounds])
    if kind is tuple:
        return tuple([plain_index(part) for part in given])
    return _array_index(innermost(given) if isinstance(given, Box) else given)


def _array_index(given: Any) -> Any:
    """An index that is none of Python's own."""
    if isinstance(given, bool | np.bool_):
        return bool(given)
    if isinstance(given, np.integer):
        return int(given)
    if modes.special and (symbolic := _symbolic_index(given)) is not None:
        return symbolic
    if not isinstance(given, np.ndarray | np.generic | list) and hasattr(given, "__index__"):
        return as_integer(given)
    array = np.array(given)
    if array.size == 0 and not isinstance(given, np.ndarray):
        return array.astype(np.intp)
    if array.dtype.kind not in "iub":
        raise IndexError(
            f"An index has dtype {array.dtype}; positions are integers, booleans, slices, None or Ellipsis. "
            "Convert it, e.g. with index.astype(int)."
        )
    return array


def _symbolic_index(given: Any) -> Any:
    """``given``, if it is of many examples; or as a traced array, if it is one or what is being traced has found it."""
    trace = modes.trace()
    if isinstance(given, Box) and (trace is None or given._level > trace.level):
        if given.dtype.kind not in "iu":
            raise IndexError(
                f"An index that differs from example to example has dtype {given.dtype}; positions are integers. In "
                "place of a mask, whose result would have another shape for each example, write np.where(mask, x, 0)."
            )
        return given._frozen()
    if trace is None or not isinstance(given, Box | np.ndarray):
        return None
    if given.dtype.kind == "b" and not isinstance(given, Box):
        trace.fix(given)
        return None
    if given.dtype.kind not in "iub":
        raise IndexError(f"An index has dtype {given.dtype}; positions are integers. Convert it: index.astype(int).")
    return trace.lift(given)._frozen()


def spread(indices: Sequence[Any], values: Sequence[Array], shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Zeros of ``shape`` with each of ``values`` added at its index."""
    return apply(SPREAD, tuple(values), {"indices": tuple(indices), "shape": shape, "dtype": dtype})


def scattered(g: Array, place: Any, like: Any) -> Scatter:
    """The cotangent of ``x`` (of which only shape and dtype are known) that ``g``, one of ``x[place]``, stands for."""
    return Scatter(place, g, like.shape, like.dtype, spread)


def _spread_plain(*values: Array, indices: Sequence[Any], shape: Shape, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    buffer = np.zeros(shape, np.result_type(SINGLE if dtype == HALF else dtype, *{v.dtype for v in values}))
    add_parts(buffer, indices, values)
    return buffer


SPREAD: Op = register(
    Op("spread", "linear", _spread_plain, ("*xs",), (lambda g, i, indices: read_at(g, indices[i]),), selects=True)
)

GETITEM: Op = register(
    Op(
        "getitem",
        "linear",
        lambda x, index: x[index],
        ("x",),
        (lambda g, x_like, index: Scatter(index, g, x_like.shape, x_like.dtype, spread),),
        view="writeable",
        selects=True,
        reads=True,
    )
)


def updated(x: Array, value: Array, index: Any, op: Op, path: Path = (), order: Any = "C") -> np.ndarray[Any, Any]:
    """A copy of ``x``, with the update ``op`` done to what ``path`` leads to in it."""
    x = np.asarray(x)
    y = blank(x.shape, x.dtype, order) if path else blank(*layout_of(x))
    y[...] = x
    op.update(region(y, path), index, value)  # type: ignore[misc]  # an update
    return y


def _put(x: np.ndarray[Any, Any], index: Any, value: Array) -> None:
    x[index] = value


def _keep_the_rest(g: Array, index: Any, path: Path = (), order: Any = "C") -> Array:
    """The cotangent of what was not overwritten: zero where it was."""
    zero = np.zeros((), HALF)  # also fits where the path leads to real or imaginary parts
    return apply(UPDATE, (g, zero), {"index": index, "path": path, "order": order})


def _written(g: Array, value_like: Any, index: Any, path: Path = (), order: Any = "C") -> Array:
    """The cotangent of what was written: where an element was written twice, only the last write counts."""
    g_shown = region(g, path)
    r = read_at(g_shown, index)
    if _may_repeat(index, g_shown.shape) or any([op.view == "overlapping" for op, _ in path]):
        places = blank(g.shape, np.dtype(np.intp), order) if path else np.zeros(g.shape, np.intp)
        count = np.arange(r.size).reshape(r.shape)
        where = {"index": index, "path": path, "order": order} if path else {"index": index}
        last = read_at(region(apply(UPDATE, (places, count), where), path), index) == count
        if isinstance(last, Box) or not last.all():
            r = np.where(last, r, np.zeros((), r.dtype))
    return _with_leading_axes(r, value_like.ndim)


def _may_repeat(index: Any, shape: Shape) -> bool:
    """Whether ``index`` may name an element twice. Costs what the arrays of integers in it cost."""
    if names_once(index):
        return False
    parts = index if type(index) is tuple else (index,)
    axis, key = 0, np.zeros((), np.intp)
    for part in parts:
        if part is Ellipsis:
            axis += len(shape) - len([p for p in parts if p is not None and p is not Ellipsis])
        elif type(part) is slice:
            axis += 1
        elif isinstance(part, Box):
            return True  # it is being traced
        elif part is not None:
            positions = np.asarray(part)
            if positions.dtype.kind == "b":
                return True  # booleans among integers: rare
            n = shape[axis]
            key = key * n + np.where(positions < 0, positions + n, positions)
            axis += 1
    return bool(np.unique(key).size < key.size)


def _take_out(g: np.ndarray[Any, Any], node: Node) -> tuple[Array, Array]:
    """The cotangents of what was not overwritten, in ``g``'s own memory, and of what was written."""
    index, path = node.params["index"], node.params.get("path", ())
    shown = region(g, path)
    if path and not np.may_share_memory(shown, g):
        laid = blank(node.shape, g.dtype, node.params["order"])
        laid[...] = g
        g, shown = laid, region(laid, path)
    value = node.parents[1]
    taken = None
    if value is not None:
        taken = _written(g, value, index, path, node.params.get("order", "C"))
        if taken.base is not None:
            taken = taken.copy()
    shown[index] = 0
    return g, taken


def _with_leading_axes(g: Array, ndim: int) -> Array:
    """``g`` with axes of length 1 in front, which an assignment drops from what it assigns."""
    return np.reshape(g, (1,) * (ndim - g.ndim) + g.shape) if ndim > g.ndim else g


UPDATE: Op = register(
    Op(
        "update",
        "linear",
        lambda x, value, **where: updated(x, value, op=UPDATE, **where),
        ("x", "value"),
        (_keep_the_rest, _written),
        selects=True,
        update=_put,
        pull_in_place=_take_out,
    )
)
"""``x`` with ``x[index] = value`` done, or that in what ``path`` leads to in ``x``."""


def replaced(x: Array, index: Any, value: Array) -> Array:
    """``x`` with ``x[index] = value`` done, as a new array."""
    return apply(UPDATE, (x, value), {"index": index})


def _filled(value: Array, layout: Layout) -> np.ndarray[Any, Any]:
    y = blank(*layout)
    y[...] = value
    return y


FILL: Op = register(
    Op("fill", "linear", _filled, ("value",), (lambda g, value_like: _with_leading_axes(g, value_like.ndim),))
)


def overwrite(x: Box, value: Array) -> None:
    """``x[...] = value``: what ``x`` held before has no part in the result."""
    if x._view is None and (isinstance(value, Box) or x._inert):
        write(x, apply(FILL, (value,), {"layout": layout_of(model_of(x))}))
    else:
        assign(x, ..., value)


def read_at(x: Array, index: Any) -> Array:
    """``x[index]`` for an index without boxes that no one else can change."""
    if isinstance(x, Box):
        return x._apply_alone(GETITEM, {"index": index})
    return apply(GETITEM, (x,), {"index": index}) if modes.special else x[index]


def _getitem(x: Box, index: Any) -> Array:
    return x._apply_alone(GETITEM, {"index": plain_index(index)})


def check_writable(x: Box, value: Array) -> None:
    """An error if ``x`` is of a dtype that can't carry on the derivative of ``value``."""
    dtype = x.dtype
    if type(value) in PLAIN or (dtype.kind in "fc" and (dtype.kind == "c" or value.dtype.kind != "c")):
        return
    if keeps_gradient(value):
        remedy = f"x = x.astype({str(value.dtype)!r})" if dtype.kind != "f" else "x.astype(complex), or np.real(value)"
        raise InputError(
            f"A traced value of dtype {value.dtype} was about to be written into an array of {dtype}, which would lose "
            f"its gradient. Convert one of them first: {remedy}."
        )


register_function(getitem, _getitem)
enter(
    getitem,
    drawn(
        ((5,), 2), ((5,), -1), ((5,), slice(1, None, 2)), ((5,), slice(None, None, -1)), ((2, 3), (1, 2)), ((2, 3), 1),
        ((2, 3), (slice(None), None, 1)), ((2, 3, 2), (..., 0)), ((2, 3), ...), ((2,), None), ((), ()),
        ((0, 3), 2 * (slice(0),)), ((4,), [0, 2, 2, -1]), ((2, 3), np.array([[0, 1], [1, 1]])), ((3,), []),
        ((2, 3), ([0, 1, 1], [2, 0, 0])), ((2, 3), (slice(None), [0, 0, 2])), ((3,), True), ((3,), False),
        ((2, 3, 2), ([1, 0], slice(None, None, -1), [0, 0])), ((2, 2), np.array([[True, False], [False, True]])),
        ((2, 3), (np.array([False, True]), slice(1, 3))), ((2, 3), (np.array([True, True]), [0, 2])),
        ((2, 3), (np.array(1), slice(None))), ((3,), np.int64(1)),
    ),
)  # fmt: skip
