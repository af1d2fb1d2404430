"""Boxed arrays: what stands in for an array while a derivative is taken, and who handles an operation on them.

A box holds an array and belongs to a *level*. Each transformation makes boxes of a fresh, higher level, so nested
transformations never mistake one another's derivatives, in one thread or in several. An operation is handed to the
box of the highest level among its arguments; that box unwraps its own level and applies the operation to what is
inside, which may be boxed in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from wengert._types import NO_PARAMS, PLAIN, Array, Params
from wengert.core import modes
from wengert.core.op import Op
from wengert.errors import ConversionError, InputError

__all__ = ["Box", "apply", "close_level", "core_of", "is_open", "open_level", "operand", "symbol_in"]

_OPEN = {0}


def open_level() -> int:
    """The level of a transformation that is being entered: higher than any before, in whichever thread.

    Level 0 is that of the tensors people make, and always open.
    """
    level = modes.new_level()
    _OPEN.add(level)
    return level


def is_open(level: int) -> bool:
    """Whether the transformation of ``level`` is not over."""
    return level in _OPEN


def close_level(level: int) -> None:
    """The transformation is over: boxes of its level that a function has kept count as what they hold."""
    _OPEN.discard(level)


class Box:
    """An array that a transformation watches. A subclass says what an operation does to it.

    Abstract. (Not by ``abc``: ``isinstance`` of an ``ABCMeta`` class takes four times as long, and every call asks.)

    A box that carries no derivative of its own level is *inert*; it counts as what it holds, which is how an array
    made outside a transformation can have traced values written into it.
    """

    __slots__ = ("__weakref__", "_alias", "_inner", "_level")

    _inner: Any
    _level: int
    _alias: Any
    """A ``View`` or a ``Memory`` (see ``wengert.core.aliasing``); ``None`` if no one else can see this memory."""
    _symbolic: ClassVar[bool] = False
    """Whether no plain array has the box's shape and elements: they are not known, or there are many examples."""

    @property
    def _view(self) -> Any:
        """The ``View`` record of a box that is a view of another, else ``None``."""
        alias = self._alias
        return alias if alias is not None and alias.is_view else None

    def _apply(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        """``op(*arrays, **params)``; no argument has a higher level than this box, and none is inert around a box."""
        raise NotImplementedError

    def _become(self, other: Any) -> None:
        """Take over the contents and the history of ``other``; the object stays the same."""
        raise NotImplementedError

    def _frozen(self) -> Any:
        """A box with these contents and this history that no later update of this one reaches."""
        raise NotImplementedError

    def _apply_alone(self, op: Op, params: Params = NO_PARAMS) -> Array:
        """``op(self, **params)``; a subclass may know a shorter way."""
        return apply(op, (self,), params)

    @property
    def _inert(self) -> bool:
        """Whether the box carries no derivative of its own level."""
        raise NotImplementedError

    def _around(self, y: Any) -> Any:
        """An inert box like this one around ``y``, a symbolic box."""
        raise NotImplementedError

    def _undifferentiated(self) -> Any:
        """Of a symbolic box: what it stands for, without boxes that carry derivatives; a plain array, if it can be."""
        return self

    def _of_all_examples(self) -> Any:
        """Of a symbolic box: the array that holds its elements, those of all examples if there are many."""
        return self

    def _laid_out_as(self, model: np.ndarray[Any, Any]) -> Any:
        """Of a symbolic box: with each array that it stands for in memory as ``model`` is."""
        return self

    def _current(self) -> Any:
        """This box, after updates of the array that it is a view of have been taken over."""
        if self._alias is not None:
            self._alias.refresh(self)
        return self

    def _bare(self) -> Any:
        """What the box holds, for keeping: no later update of the box reaches it."""
        if self._alias is not None:
            self._alias.refresh(self)
            self._alias.pin()
        return self._inner

    def _assign(self, op: Op, path: tuple[Any, ...], index: Any, value: Array) -> bool:
        """Do the update ``op`` in the memory that there is and record it, if that can be done; whether it was."""
        return False

    def _moved_to(self, array: np.ndarray[Any, Any]) -> Any:
        """This box, a fresh result, now with ``array``, which has the same value, for its memory."""
        raise NotImplementedError

    @property
    def _history(self) -> Any:
        """What stands for how this box's value came about: another object whenever that changes."""
        raise NotImplementedError

    def _plain(self, what: str) -> Any:
        """The bare array, where giving it away can't lose a gradient that a transformation is waiting for."""
        if self._level > 0 and self._level in _OPEN and not self._current()._inert:
            raise ConversionError(
                f"{what} was called on an array that a transformation is differentiating; its result would carry no "
                "gradient. Build arrays from traced values with np.stack, np.concatenate or wg.tensor([...]); to write "
                "them into an array one by one, make it np.zeros_like(x) or wg.tensor(array, constant=True); if the "
                "plain number is meant, use wg.stop_gradient(x)."
            )
        data = self._current()._inner
        return data._plain(what) if isinstance(data, Box) else data

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        shape: tuple[int, ...] = self._inner.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self._set_shape(shape)

    def _set_shape(self, shape: Any) -> None:
        raise NotImplementedError

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        dtype: np.dtype[Any] = self._inner.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._inner.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size: int = self._inner.size
        return size


def core_of(x: Any) -> Any:
    """``x`` without boxes of transformations that are over, and without inert boxes around another box."""
    while isinstance(x, Box):
        if x._level in _OPEN and not (x._current()._inert and isinstance(x._inner, Box)):
            break
        x = x._bare()
    return x


def apply(op: Op, arrays: Sequence[Any], params: Params = NO_PARAMS) -> Array:
    """``op(*arrays, **params)``, recorded by whichever of ``arrays`` belongs to the innermost transformation."""
    top: Box | None = None
    level = -1
    if modes.special:
        if floor := modes.floor():
            arrays = [_unless_suspended(x, floor) for x in arrays]
        if modes.tracing and (trace := modes.trace()) is not None:
            if not (params and modes.batching) and trace.owns(arrays):
                return trace.record(op, arrays, params)
            arrays = trace.taken(arrays)
        elif modes.profiling and (profile := modes.profile()) is not None and profile.takes(arrays):
            return profile.operation(op, arrays, params)
    for x in arrays:
        if type(x) in PLAIN:
            continue
        if not isinstance(x, Box) or (
            (x._level not in _OPEN or isinstance(x._current()._inner, Box)) and core_of(x) is not x
        ):
            return _apply_to_cores(op, arrays, params)
        if x._level > level:
            top, level = x, x._level
    if params and (modes.tracing or modes.batching):
        symbol = symbol_in(tuple(params.values()))
        if symbol is not None and symbol._level > level:
            return symbol._apply(op, arrays, params)
    if top is None:
        return op.fun(*arrays, **params)
    return top._apply(op, arrays, params)


def symbol_in(tree: Any) -> Box | None:
    """A symbolic box among parameters, of the highest level: in an index, for example."""
    if isinstance(tree, Box):
        return tree if tree._symbolic else None
    parts = (tree.start, tree.stop, tree.step) if type(tree) is slice else tree
    highest: Box | None = None
    if type(parts) is tuple or type(parts) is list:
        for part in parts:
            found = None if type(part) in PLAIN else symbol_in(part)
            if found is not None and (highest is None or found._level > highest._level):
                highest = found
    return highest


def _apply_to_cores(op: Op, arrays: Sequence[Any], params: Params) -> Array:
    """``apply``, where an argument has yet to be made an array or is an inert box around another box."""
    y = apply(op, [core_of(operand(x)) for x in arrays], params)
    x = arrays[0]
    if op.view and isinstance(x, Box) and isinstance(y, Box) and y._view is not None:
        y._view.parent, y._view.seen, y._view.history = x, x._inner, x._history
    if modes.tracing and isinstance(y, Box) and y._symbolic and y.dtype.kind in "fc":
        for a in arrays:
            if isinstance(a, Box) and not a._symbolic and a._level in _OPEN and y._level in _OPEN:
                return a._around(y)
    return y


def _unless_suspended(x: Any, floor: int) -> Any:
    """``x``, or what it holds if it belongs to a transformation whose recording is suspended."""
    while isinstance(x, Box) and 0 < x._level < floor and not x._symbolic:
        x = x._bare()
    return x


def operand(x: Any) -> Any:
    """``x`` as an operation can take it: numbers, arrays and boxes as they are, sequences as arrays."""
    if isinstance(x, Box) or (type(x) in PLAIN and (type(x) is not np.ndarray or x.dtype.kind in "biufc")):
        return x
    if isinstance(x, list | tuple) and any([isinstance(part, Box | list | tuple) for part in x]):
        parts = [operand(part) for part in x]
        if any([isinstance(part, Box) for part in parts]):
            return np.stack(parts)
    if isinstance(x, np.ndarray) and type(x).__mul__ is not np.ndarray.__mul__:
        raise InputError(
            f"An operand is a {type(x).__module__}.{type(x).__name__}, whose arithmetic isn't that of arrays. Convert "
            "it with np.asarray(x); for a masked array use np.where and its mask."
        )
    x = np.asarray(x)
    if x.dtype.kind not in "biufc":
        raise InputError(f"An operand has dtype {x.dtype}; wengert works with numbers. Convert it, e.g. to float.")
    return x
