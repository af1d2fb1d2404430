"""Reading and writing elements by index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import getitem, setitem
from typing import Any

import numpy as np

from wengert._types import Array, Shape
from wengert.core.aliasing import write
from wengert.core.cotangents import Scatter, is_basic
from wengert.core.dispatch import Box, apply
from wengert.core.op import Op, Rule
from wengert.core.registry import register, register_function
from wengert.ops.entries import linear

__all__ = ["put_where", "replaced"]


def put_where(read: Callable[..., Array]) -> Rule:
    """The ``put`` of a view that ``read`` makes and that names each element at most once."""

    def put(x: Array, value: Array, **params: Any) -> Array:
        places = np.arange(x.size).reshape(x.shape)
        flat = replaced(np.reshape(x, (-1,)), (np.ravel(read(places, **params)),), np.ravel(value))
        return np.reshape(flat, x.shape)

    return put


def _plain_index(index: Any) -> Any:
    """``index`` without boxes: positions carry no derivative."""
    if isinstance(index, tuple):
        return tuple([_plain_index(part) for part in index])
    if isinstance(index, Box):
        return index._plain("use as an index") if index.dtype.kind in "biu" else getitem((), index)
    return index


def _spread(indices: Sequence[Any], values: Sequence[Array], shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Zeros of ``shape`` with each of ``values`` added at its index."""
    return apply(SPREAD, tuple(values), {"indices": tuple(indices), "shape": shape, "dtype": dtype})


def _spread_plain(
    *values: Array, indices: Sequence[Any], shape: Shape, dtype: np.dtype[Any]
) -> np.ndarray[Any, Any]:
    part = Scatter(indices[0], values[0], shape, dtype, _spread)
    part.indices, part.values = list(indices), list(values)
    buffer = np.zeros(shape, np.result_type(dtype, *values))
    part.write(buffer)
    return buffer


SPREAD: Op = register(
    Op("spread", "linear", _spread_plain, ("*xs",), (lambda g, i, indices: g[indices[i]],), selects=True)
)


def _replace(x: np.ndarray[Any, Any], value: Array, index: Any) -> np.ndarray[Any, Any]:
    """A copy of ``x`` with ``x[index] = value`` done."""
    y = np.array(x)
    y[index] = value
    return y


def _keep_the_rest(g: Array, index: Any) -> Array:
    """The cotangent of what was not overwritten: zero where it was."""
    return replaced(g, index, np.zeros((), g.dtype))


def _written(g: Array, index: Any) -> Array:
    """The cotangent of what was written: where an element was written twice, only the last write counts."""
    if is_basic(index):
        return g[index]
    places = np.zeros(g.shape, np.intp)
    count = np.arange(places[index].size).reshape(places[index].shape)
    places[index] = count
    g = g[index]
    return g if (places[index] == count).all() else np.where(places[index] == count, g, np.zeros((), g.dtype))


GETITEM: Op = linear(
    getitem,
    "x index",
    evaluate=lambda x, index: x[index],
    x=lambda g, x_like, index: Scatter(index, g, x_like.shape, x_like.dtype, _spread),
    put=lambda x, value, index: replaced(x, index, value),
    selects=True,
)

REPLACE: Op = register(
    Op(
        "replace",
        "linear",
        _replace,
        ("x", "value"),
        (_keep_the_rest, _written),
        selects=True,
    )
)


def replaced(x: Array, index: Any, value: Array) -> Array:
    """``x`` with ``x[index] = value`` done, as a new array."""
    return apply(REPLACE, (x, value), {"index": index})


def _getitem(x: Array, index: Any) -> Array:
    return apply(GETITEM, (x,), {"index": _plain_index(index)})


def _setitem(x: Box, index: Any, value: Any) -> None:
    x._current()
    write(x, replaced(x, _plain_index(index), value))


register_function(getitem, _getitem)
register_function(setitem, _setitem)
