"""Views and in-place updates: boxes alias one another exactly as the arrays they stand for.

A view knows the box it is a view of and the operation that made it. An update is functional underneath: the updated
box takes over a new value and a new history, so whatever recorded the old value still has it. A view writes through
to what it is a view of, and takes over what others wrote when it is next used.

Which operations give views depends on how memory is laid out (``x.reshape(-1)`` of a transpose is a copy), so an
update keeps the layout that NumPy's own in-place update would have kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array, Params, Shape
from wengert.core.dispatch import Box, apply, core_of
from wengert.core.op import Op
from wengert.errors import InputError, UnsupportedFunction

__all__ = [
    "Layout",
    "View",
    "blank",
    "deliver",
    "innermost",
    "keeps_gradient",
    "layout_of",
    "read_only",
    "shows",
    "store",
    "write",
]


class View:
    """That a box is ``op(parent, **params)``, sharing the parent's memory; ``seen`` is the parent's value then."""

    __slots__ = ("op", "params", "parent", "seen")

    def __init__(self, op: Op, params: Params, parent: Box, seen: Any) -> None:
        self.op = op
        self.params = params
        self.parent = parent
        self.seen = seen

    def refresh(self, box: Box) -> None:
        """Let ``box``, the view, take over the parent's present value, if that has changed."""
        if self.parent._view is None:
            self.follow(box)
            return
        chain: list[tuple[View, Box]] = []
        view: View | None = self
        while view is not None:
            chain.append((view, box))
            box = view.parent
            view = box._view
        for view, box in reversed(chain):
            view.follow(box)

    def follow(self, box: Box) -> None:
        """``refresh``, where the parent itself is known to be up to date."""
        data = self.parent._inner
        if data is not self.seen:
            box._become(apply(self.op, (self.parent,), self.params))
            self.seen = data


def write(box: Box, value: Array) -> None:
    """Let ``box`` hold ``value``, of the same shape and dtype, and so every box that shares its memory.

    ``value`` is the caller's own: no other box that a person can reach may hold it.
    """
    target = box._current()
    while target._view is not None:
        view = target._view
        assert view.op.put is not None
        value = view.op.put(view.parent, value, **view.params)
        target = view.parent
    target._become(_laid_out(value, innermost(target)))
    box._current()


def store(target: Box, value: Array, what: str) -> None:
    """``target[...] = value`` as a ufunc writes to its ``out``: broadcast up, and cast within a kind of number.

    ``value`` is the caller's own, as for :func:`write`. Nothing is changed if an error is raised.
    """
    new, old = getattr(value, "_inner", None), target._inner
    if target._view is None and type(new) is np.ndarray and type(old) is np.ndarray and _alike(new, old):
        target._become(value)  # what is done below, on a shorter way for the commonest case
        return
    if value.shape != target.shape and not _broadcasts(value.shape, target.shape):
        raise ValueError(
            f"{what}: the result has shape {value.shape}, which does not fit the array of shape {target.shape} that it "
            "is to be written to."
        )
    if value.dtype != target.dtype and not np.can_cast(value.dtype, target.dtype, "same_kind"):
        raise InputError(
            f"{what}: the result has dtype {value.dtype}, which can't be written to an array of {target.dtype}. "
            f"Convert the array first, x = x.astype({str(value.dtype)!r}), or write x = x + y instead of x += y."
        )
    if value.shape == target.shape and value.dtype == target.dtype:
        write(target, value)
    else:
        target[...] = value  # type: ignore[index]


def deliver(value: Array, out: Any, what: str) -> Array:
    """``value``, a result; first written to ``out`` if that isn't ``None``, and then ``out``."""
    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        return value
    if isinstance(target, Box):
        store(target, value, what)
    elif keeps_gradient(value):
        raise UnsupportedFunction(
            f"{what}(..., out=...) was asked to store a traced result in a plain array, which would lose its gradient. "
            "Leave out= away, or make the target a tensor: wg.tensor(array, constant=True)."
        )
    else:
        np.copyto(target, innermost(value))
    return target


def keeps_gradient(x: Array) -> bool:
    """Whether ``x`` is a box that carries a derivative, which writing it into plain memory would lose."""
    x = core_of(x)
    return isinstance(x, Box) and not x._inert


def innermost(x: Array) -> Array:
    """The plain array in ``x``, however nested."""
    while isinstance(x, Box):
        x = x._current()._inner
    return x


def read_only(parent: Array, value: Array, **params: Any) -> Array:
    """The ``put`` of views that NumPy makes read-only."""
    raise ValueError("The destination is a read-only view, as in NumPy. Update a copy of it: view.copy().")


def shows(y: Array, x: Array) -> bool:
    """Whether ``y``, a result computed from ``x``, shows ``x``'s memory."""
    if isinstance(y, Box):
        return y._view is not None and y._view.parent is x
    base = y.base
    return base is not None and (base is x or base is x.base or bool(np.may_share_memory(y, x)))


Layout = tuple[Shape, np.dtype[Any], Any]
"""Shape and dtype of an array, and the order of its memory: ``"C"``, ``"F"``, or strides."""


def layout_of(x: np.ndarray[Any, Any]) -> Layout:
    """The layout of the densest array whose axes can be merged just where ``x``'s can."""
    if x.flags.c_contiguous:
        return x.shape, x.dtype, "C"
    if x.flags.f_contiguous:
        return x.shape, x.dtype, "F"
    strides = [0] * x.ndim
    mergeable = extent = x.itemsize
    for axis in sorted(range(x.ndim), key=lambda i: abs(x.strides[i])):
        n, stride = x.shape[axis], x.strides[axis]
        strides[axis] = extent if abs(stride) == mergeable or n == 1 else 2 * extent
        if n > 1:
            mergeable, extent = abs(stride) * n, strides[axis] * n
        if stride < 0:
            strides[axis] *= -1
    return x.shape, x.dtype, tuple(strides)


def blank(shape: Shape, dtype: np.dtype[Any], order: Any) -> np.ndarray[Any, Any]:
    """An uninitialised array of a given layout."""
    if isinstance(order, str):
        return np.empty(shape, dtype, order)  # type: ignore[call-overload]
    steps = [(n - 1) * s for n, s in zip(shape, order, strict=True)]
    before, after = -sum([min(s, 0) for s in steps]), sum([max(s, 0) for s in steps])
    return np.ndarray(shape, dtype, np.empty(before + after + dtype.itemsize, np.uint8), before, order)


def _laid_out(value: Array, old: Array) -> Array:
    """``value`` in an array of its own whose memory is laid out as ``old``'s."""
    holder = None
    array = value
    while isinstance(array, Box):
        holder, array = array, array._current()._inner
    if not isinstance(old, np.ndarray):
        return value
    if not isinstance(array, np.ndarray):
        laid = np.asarray(array)
    elif array.strides != old.strides:
        laid = blank(*layout_of(old))
        laid[...] = array
    elif array is old:
        laid = array.view()
    else:
        return value
    if holder is None:
        return laid
    holder._inner = laid
    return value


def _alike(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> bool:
    return a.shape == b.shape and a.strides == b.strides and a.dtype == b.dtype


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all([n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False)])
