"""Functions that change an array in place. What they write is recorded; views of the array see it."""

from __future__ import annotations

from collections.abc import Callable
from operator import setitem
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert._types import Array
from wengert.core.aliasing import assign, innermost, is_traced, keeps_gradient, known
from wengert.core.dispatch import Box, operand
from wengert.core.op import Op
from wengert.core.registry import register, register_function
from wengert.errors import ConversionError, InputError
from wengert.ops.cases import enter
from wengert.ops.gather import along_axis
from wengert.ops.index import GETITEM, check_writable, overwrite, plain_index
from wengert.ops.shape import array_of

__all__: list[str] = []

_WHOLE = slice(None)


def update(function: Callable[..., None]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorates what answers for ``function``, which changes its first argument and returns nothing."""

    def enter_update(implementation: Callable[..., None]) -> Callable[..., None]:
        op = register(Op(function.__name__, "constant", implementation, ("*xs",)))

        def run(*args: Any, **kwargs: Any) -> None:
            op.fun(*args, **kwargs)

        register_function(function, run)
        enter(function, None)
        return implementation

    return enter_update


def _target(x: Any, values: Array, what: str) -> bool:
    """Whether ``x`` is a box. An error if it is plain, and ``values`` carries a derivative that it would lose."""
    if isinstance(x, Box):
        check_writable(x, values)
        return True
    if keeps_gradient(values) and values._level > 0:  # a box; a person's own gives its data
        raise ConversionError(
            f"{what} was asked to write traced values into a plain array, which would lose their gradient. Make the "
            "array a tensor first: wg.tensor(array)."
        )
    return False


def _is_in_place(x: Box, index: Any, value: Array) -> bool:
    """Whether ``value`` is ``x[index]`` itself, as it is at the end of ``x[index] += ...``."""
    view = value._view if isinstance(value, Box) else None
    if view is None or view.parent is not x or view.op is not GETITEM or view.reshaped is not None:
        return False
    parts = index if type(index) is tuple else (index,)
    return view.shape == x.shape and np.ndarray not in map(type, parts) and view.params["index"] == index


@update(setitem)
def _setitem(x: Box, index: Any, value: Any) -> None:
    value = operand(value)
    check_writable(x, value)
    index = plain_index(index)
    if _is_in_place(x, index, value):
        return
    if isinstance(index, Box) and index.dtype.kind == "b":
        _write_where(x, index, value)
        return
    if index is Ellipsis or (type(index) is slice and index == _WHOLE and x.ndim > 0):
        overwrite(x, value)
    else:
        assign(x, index, value)


def _write_where(x: Box, mask: Array, value: Array) -> None:
    """``x[mask] = value`` for a mask whose elements are not known."""
    rest = x.ndim - mask.ndim
    if rest < 0 or x.shape[: mask.ndim] != mask.shape:
        raise IndexError(f"The mask of shape {mask.shape} does not fit the array of shape {x.shape}.")
    if np.ndim(value) > rest:
        if np.shape(value)[: np.ndim(value) - rest] != (1,) * (np.ndim(value) - rest):
            known(mask, "x[mask] = values with an element for each true one of the mask")
        value = np.reshape(value, np.shape(value)[np.ndim(value) - rest :])
    x[...] = np.where(np.reshape(mask, mask.shape + (1,) * rest), value, x)  # type: ignore[index, call-overload]


@update(np.copyto)
def _copyto(dst: Array, src: Array, casting: str = "same_kind", where: Any = True) -> None:
    src = operand(src)
    if not _target(dst, src, "np.copyto"):
        np.copyto(dst, innermost(src), casting=casting, where=innermost(where))  # type: ignore[arg-type]
        return
    dtype = src.dtype if isinstance(src, Box | np.ndarray | np.generic) else np.result_type(src, dst.dtype)
    if not np.can_cast(dtype, dst.dtype, casting):  # type: ignore[arg-type]
        raise InputError(f"np.copyto: can't write {dtype} into an array of {dst.dtype} with casting={casting!r}.")
    if where is not True:
        src = np.where(innermost(where), src, dst)
    dst[...] = src


def _write_flat(x: Array, positions: Any, values: Array) -> None:
    """``x.flat[positions] = values``."""
    if x.ndim == 0:
        x, shape = np.reshape(x, (1,)), (1,)
    else:
        shape = x.shape
    beyond = positions[(positions < -x.size) | (positions >= x.size)]
    if beyond.size:
        raise IndexError(f"index {beyond[0]} is out of bounds for an array with {x.size} elements")
    positions = np.where(positions < 0, positions + x.size, positions)
    assign(x, np.unravel_index(positions, shape), values)


def _cycled(values: Array, positions: Any) -> Array:
    """The elements of ``values`` at ``positions``, starting over at the end."""
    flat = np.reshape(array_of(values), (-1,))
    return flat[positions % flat.shape[0]]


@update(np.put)
def _put(a: Array, ind: Any, v: Any, mode: str = "raise") -> None:
    v = operand(v)
    ind = np.ravel(plain_index(ind))
    if not _target(a, v, "np.put"):
        np.put(a, ind, innermost(v), mode=mode)  # type: ignore[arg-type]
        return
    if ind.size == 0 or np.size(v) == 0:
        return
    if mode != "raise":
        ind = ind % a.size if mode == "wrap" else np.clip(ind, 0, a.size - 1)
    _write_flat(a, ind, _cycled(v, np.arange(ind.size)))


@update(np.place)
def _place(arr: Array, mask: Any, vals: Any) -> None:
    vals = operand(vals)
    if is_traced(mask) and np.size(vals) == 1:
        np.copyto(arr, np.reshape(vals, ()), where=innermost(mask).astype(bool).reshape(arr.shape))
        return
    mask = np.array(known(mask, "np.place"), bool)
    if not _target(arr, vals, "np.place"):
        np.place(arr, mask, innermost(vals))
        return
    if mask.size != arr.size:
        raise ValueError(f"np.place: mask has {mask.size} elements and the array {arr.size}.")
    positions = np.flatnonzero(mask)
    if positions.size == 0:
        return
    if np.size(vals) == 0:
        raise ValueError("np.place: there are no values to write.")
    _write_flat(arr, positions, _cycled(vals, np.arange(positions.size)))


@update(np.putmask)
def _putmask(a: Array, /, mask: Any, values: Any) -> None:
    values = operand(values)
    if is_traced(mask) and np.size(values):
        count = np.arange(mask.size)
        chosen = np.reshape(_cycled(values, count), a.shape) if np.size(values) > 1 else np.reshape(values, ())
        np.copyto(a, chosen, casting="unsafe", where=innermost(mask).astype(bool).reshape(a.shape))
        return
    mask = np.array(innermost(mask), bool)
    if not _target(a, values, "np.putmask"):
        np.putmask(a, mask, innermost(values))
        return
    if mask.size != a.size:
        raise ValueError(f"np.putmask: mask has {mask.size} elements and the array {a.size}.")
    positions = np.flatnonzero(mask)
    if np.size(values):
        _write_flat(a, positions, _cycled(values, positions))


@update(np.put_along_axis)
def _put_along_axis(arr: Array, indices: Any, values: Any, axis: int | None) -> None:
    values = operand(values)
    if not _target(arr, values, "np.put_along_axis"):
        np.put_along_axis(arr, innermost(indices), innermost(values), axis)
        return
    if axis is None:
        positions = np.array(innermost(indices))
        _write_flat(arr, along_axis((arr.size,), positions, 0), values)
    else:
        arr[along_axis(arr.shape, indices, normalize_axis_index(axis, arr.ndim))] = values


@update(np.fill_diagonal)
def _fill_diagonal(a: Array, val: Any, wrap: bool = False) -> None:
    val = operand(val)
    if not _target(a, val, "np.fill_diagonal"):
        np.fill_diagonal(a, innermost(val), wrap)
        return
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise ValueError(f"np.fill_diagonal takes a matrix, or more axes of equal length; the shape is {a.shape}.")
    positions = np.arange(a.size).reshape(a.shape)
    np.fill_diagonal(positions, -1, wrap)
    positions = np.flatnonzero(positions == -1)
    if np.size(val):
        _write_flat(a, positions, _cycled(val, np.arange(positions.size)))
