"""Views and in-place updates: boxes alias one another exactly as the arrays they stand for.

A view knows the box it is a view of and the operation that made it. An update writes to the memory that there is and
gives the updated box a new history; whatever saved a value that the update would spoil gets a copy of it first, and
where it isn't known who did, or the values are boxed in turn, the box moves to a copy of its memory instead. A view
writes through to what it is a view of, and takes over what others wrote when it is next used.

Which operations give views depends on how memory is laid out (``x.reshape(-1)`` of a transpose is a copy), so a copy
keeps the layout that NumPy's own in-place update would have kept.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

from wengert._types import Array, Params, Shape
from wengert.core import modes
from wengert.core.dispatch import Box, apply, core_of
from wengert.core.guard import is_locked
from wengert.core.op import Op
from wengert.core.registry import OPS
from wengert.core.tape import Node
from wengert.errors import InputError, UnsupportedFunction, written_outside

__all__ = [
    "Layout",
    "Memory",
    "View",
    "assign",
    "blank",
    "check_fits",
    "deliver",
    "holds_everywhere",
    "innermost",
    "is_differentiated",
    "is_scalar",
    "is_traced",
    "keeps_gradient",
    "known",
    "layout_of",
    "memory_of",
    "model_of",
    "of_all_examples",
    "path_of",
    "region",
    "set_shape",
    "shows",
    "store",
    "write",
]


class View:
    """That a box is ``op(parent, **params)``, sharing the parent's memory.

    ``seen`` and ``history`` are the parent's value and history then, ``shape`` its shape. ``reshaped`` is the shape
    that the view itself was given later. ``held`` are locks on arrays that last as long as the view. ``muted`` is the
    gradient of the base that the view shows no longer.
    """

    __slots__ = ("held", "history", "muted", "op", "params", "parent", "reshaped", "seen", "shape")

    is_view = True

    def __init__(self, op: Op, params: Params, parent: Box, seen: Any) -> None:
        self.op = op
        self.params = params
        self.parent = parent
        self.seen = seen
        self.history = parent._history
        self.shape = seen.shape
        self.reshaped: Any = None
        self.held: Any = None
        self.muted: Any = None

    def refresh(self, box: Box) -> None:
        """Let ``box``, the view, take over the parent's present value and history, if these have changed."""
        chain: list[tuple[View, Box]] = []
        view: View | None = self
        while view is not None:
            chain.append((view, box))
            box = view.parent
            view = box._view
        for view, box in reversed(chain):
            view.follow(box)

    def pin(self) -> None:
        """Someone unknown keeps the array."""
        memory_of(self.parent).pinned = True

    def follow(self, box: Box) -> None:
        """``refresh``, where the parent itself is known to be up to date."""
        parent = self.parent
        if parent._inner is not self.seen or parent._history is not self.history:
            for op, params in self.steps():
                parent = apply(op, (parent,), params)
            box._become(parent)
            self.seen, self.history = self.parent._inner, self.parent._history

    def steps(self) -> list[Step]:
        """What leads from the parent to the view. A parent whose shape was set anew is first given its old one."""
        steps = [(self.op, self.params)]
        if self.parent.shape != self.shape:
            steps.insert(0, (OPS["reshape"], {"shape": self.shape}))
        if self.reshaped is not None:
            steps.append((OPS["reshape"], {"shape": self.reshaped}))
        return steps


Step = tuple[Op, Params]


class Memory:
    """What is known of the memory of a box that is no view, where others may see it.

    ``pinned``: someone unknown may need the bytes as they are, so an update goes to a copy. ``readers``: the nodes
    that have saved the array, or part of it, since the last update; they get copies of their own before the next one.
    ``shown``: the array has been handed out, so what uses it must hold it. ``origin`` is what a constant came from.
    """

    __slots__ = ("__weakref__", "origin", "pinned", "readers", "shown")

    is_view = False

    def __init__(self, *, shown: bool = False, origin: Node | None = None) -> None:
        self.pinned = True
        self.shown = shown
        self.readers: list[ref[Node]] = []
        self.origin = origin

    def refresh(self, box: Box) -> None:
        """Nothing: there is nothing that this box is a view of."""

    def pin(self) -> None:
        """Someone unknown keeps the array."""
        self.pinned = True

    def note(self, node: Node) -> None:
        """``node`` has saved the array or part of it."""
        readers = self.readers
        if len(readers) > 64 and len(readers) & (len(readers) - 1) == 0:  # now and then, forget those that are gone
            readers[:] = [r for r in readers if r() is not None]
        readers.append(ref(node))

    def settle(self, array: np.ndarray[Any, Any]) -> None:
        """Give the readers copies of their own, so that ``array`` may change."""
        for reader in self.readers:
            node = reader()
            if node is not None:
                node.xs = tuple([_copied(x, array) for x in node.xs])
                node.y = _copied(node.y, array)
        self.readers.clear()

    def renew(self) -> None:
        """The box has got memory of its own, that nobody else has seen."""
        self.pinned = self.shown = False
        self.readers.clear()


def _copied(x: Any, array: np.ndarray[Any, Any]) -> Any:
    if type(x) is not np.ndarray:
        return x
    base = x.base
    return x.copy() if x is array or (base is not None and (base is array or base is array.base)) else x


def memory_of(box: Box) -> Memory:
    """The record of the memory that ``box`` is in."""
    alias = box._alias
    while alias is not None and alias.is_view:
        box = alias.parent
        alias = box._alias
    if alias is None:
        alias = box._alias = Memory()
    return alias


def path_of(box: Box) -> tuple[Box, tuple[Step, ...]]:
    """The box that ``box`` is a view of, itself if it is none, and the steps from there to ``box``."""
    steps: list[Step] = []
    while (view := box._view) is not None:
        steps[:0] = view.steps()
        box = view.parent
    return box, tuple(steps)


def region(x: Array, path: tuple[Step, ...]) -> Array:
    """What ``path`` leads to in ``x``: a view of it, if ``x`` is laid out as the array that the path was made for."""
    for op, params in path:
        x = op.fun(x, **params) if type(x) is np.ndarray else apply(op, (x,), params)
    return x


def assign(box: Box, index: Any, value: Array, op: Op | None = None) -> None:
    """``box[index] = value`` for ``box`` and all that share its memory; or another update ``op`` that takes an index.

    Costs what is written, wherever no saved value needs the old bytes. Nothing is changed if an error is raised.
    """
    box._current()
    op = op or OPS["update"]
    root, path = path_of(box)
    for step, _ in path:
        if step.view == "read-only":
            raise ValueError("The destination is a read-only view, as in NumPy. Update a copy of it: view.copy().")
    if not root._assign(op, path, index, value):
        params = {"index": index}
        if path:
            params |= {"path": path, "order": layout_of(model_of(root))[2]}
        root._become(_laid_out(apply(op, (root, value), params), innermost(root)))
    box._current()


def set_shape(box: Box, shape: Any) -> None:
    """``box.shape = shape``: recorded; views that were made before keep theirs."""
    made: Any = np.reshape(box._current(), shape)
    if made._view is None and made.size and made.shape != box.shape:
        raise AttributeError(
            f"The shape can't be set to {shape} in place: the elements don't lie in memory in that order. Make a copy: "
            "x = x.reshape(shape)."
        )
    view = box._view
    box._become(made)
    if view is not None:
        view.reshaped = made.shape


def write(box: Box, value: Array) -> None:
    """Let ``box`` hold ``value``, of the same shape and dtype, and so every box that shares its memory.

    ``value`` is the caller's own: no other box that a person can reach may hold it.
    """
    box._current()
    if box._view is not None or (modes.special and box._level < modes.floor()):
        assign(box, ..., value)
    elif box._level == 0 and _is_read_only(box):
        raise ValueError("assignment destination is read-only")
    else:
        box._become(_laid_out(value, innermost(box)))


def store(target: Box, value: Array, what: str) -> None:
    """``target[...] = value`` as a ufunc writes to its ``out``: broadcast up, and cast within a kind of number.

    ``value`` is the caller's own, as for :func:`write`. Nothing is changed if an error is raised.
    """
    if modes.special and target._level < modes.floor():
        assign(target, ..., value)
        return
    new, old = getattr(value, "_inner", None), target._inner
    quick = target._alias is None and not (target._symbolic or getattr(value, "_symbolic", True))
    if quick and type(new) is np.ndarray and type(old) is np.ndarray and _alike(new, old):
        target._become(value)  # what is done below, on a shorter way for the commonest case
        return
    try:
        check_fits(value, target, what)
    except (TypeError, ValueError):
        discard(value)
        raise
    if value.shape == target.shape and value.dtype == target.dtype:
        write(target, value)
    else:
        target[...] = value  # type: ignore[index]


def discard(value: Any) -> None:
    """``value``, a result, can't be delivered: it keeps no locks, though the error's traceback may keep it."""
    node = value._history if isinstance(value, Box) else None
    if isinstance(node, Node):
        node.held = None


def check_fits(value: Any, target: Box, what: str) -> None:
    """An error if an array of ``value``'s shape and dtype can't be written to ``target``."""
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


def _is_read_only(box: Box) -> bool:
    """Whether NumPy wouldn't let the array in ``box`` be written to, apart from locks."""
    array = innermost(box)
    return isinstance(array, np.ndarray) and not array.flags.writeable and not is_locked(array)


def deliver(value: Array, out: Any, what: str) -> Array:
    """``value``, a result; first written to ``out`` if that isn't ``None``, and then ``out``.

    A tensor that a person made may be written to a plain array: the result is a tensor over that array.
    """
    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        return value
    if isinstance(target, Box):
        store(target, value, what)
    elif isinstance(value, Box) and value._level == 0:
        try:
            np.copyto(target, innermost(value))
        except (TypeError, ValueError):
            discard(value)
            raise
        return value._moved_to(target)
    elif keeps_gradient(value):
        if modes.tracing and modes.trace() is not None and not is_differentiated(value):
            raise written_outside()
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
    """The plain array in ``x``, however nested; the symbolic one, where a function is traced or run on a batch."""
    while isinstance(x, Box):
        if x._symbolic:
            return x._undifferentiated()
        x = x._current()._inner
    return x


def known(x: Array, what: str) -> Array:
    """The plain array in ``x``, for ``what``, which depends on its elements: an error if ``x`` is being traced."""
    x = innermost(x)
    if modes.tracing and (trace := modes.trace()) is not None and type(x) is np.ndarray:
        trace.fix(x)
    return x._plain(what) if isinstance(x, Box) else x


def is_differentiated(x: Array) -> bool:
    """Whether ``x`` is boxed by a transformation that takes derivatives, within batches of examples or around them."""
    return isinstance(x, Box) and innermost(x) is not x


def is_traced(x: Array) -> bool:
    """Whether no plain array has the elements of ``x``, as a function is being traced or run on a batch."""
    return isinstance(innermost(x), Box)


def of_all_examples(x: Array) -> Array:
    """What ``innermost`` gives, with the examples of all batches: another shape, but the same set of elements."""
    x = innermost(x)
    return x._of_all_examples() if isinstance(x, Box) else x


def holds_everywhere(condition: Array, otherwise: bool | None = None) -> bool:
    """Whether all elements of ``condition`` are true; in a batch, in all examples.

    ``otherwise`` is the answer where a function is traced, so that nobody knows. That it is true is then looked after
    each time the compiled function runs; if it isn't, the function is evaluated as if it were not compiled.
    """
    condition = of_all_examples(condition)
    if isinstance(condition, Box) and otherwise is not None:
        if otherwise and (trace := modes.trace()) is not None:
            trace.assume(condition)
        return otherwise
    return bool(np.all(condition))


def model_of(x: Array) -> np.ndarray[Any, Any]:
    """An array of the shape, dtype and layout of ``x``: the plain array in it, or one whose elements mean nothing."""
    x = innermost(x)
    return np.asarray(x._current()._model if isinstance(x, Box) else x)


def is_scalar(x: Array) -> bool:
    """Whether ``x`` holds one of NumPy's scalars, or stands for one."""
    x = innermost(x)
    return isinstance(x._current()._model if isinstance(x, Box) else x, np.generic)


def shows(y: Array, x: Array) -> bool:
    """Whether ``y``, a result computed from ``x``, shows ``x``'s memory."""
    if isinstance(y, Box):
        return y._view is not None and y._view.parent is x
    base = y.base
    return base is not None and (base is x or base is x.base or bool(np.may_share_memory(y, x)))


Layout = tuple[Shape, np.dtype[Any], Any]
"""Shape and dtype of an array, and the order of its memory: ``"C"``, ``"F"``, or strides in elements."""


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
    return x.shape, x.dtype, tuple([s // x.itemsize for s in strides])


def blank(shape: Shape, dtype: np.dtype[Any], order: Any) -> np.ndarray[Any, Any]:
    """An uninitialised array of a given layout."""
    if isinstance(order, str):
        return np.empty(shape, dtype, order)  # type: ignore[call-overload]
    strides = [s * dtype.itemsize for s in order]
    steps = [(n - 1) * s for n, s in zip(shape, strides, strict=True)]
    before, after = -sum([min(s, 0) for s in steps]), sum([max(s, 0) for s in steps])
    return np.ndarray(shape, dtype, np.empty(before + after + dtype.itemsize, np.uint8), before, strides)


def _laid_out(value: Array, old: Array) -> Array:
    """``value`` in an array of its own whose memory is laid out as ``old``'s."""
    if modes.tracing and (trace := modes.trace()) is not None and is_traced(old):
        if not isinstance(value, Box):
            value = trace.lift(value)
        if value.ndim and model_of(value).strides != model_of(old).strides:
            value = apply(OPS["fill"], (value,), {"layout": layout_of(model_of(old))})
        return value
    holder = None
    array = value
    while isinstance(array, Box) and not array._symbolic:
        holder, array = array, array._current()._inner
    old = model_of(old) if isinstance(old, Box) else old
    if not isinstance(old, np.ndarray):
        return value
    if isinstance(array, Box):
        laid = array._laid_out_as(old)
        if laid is array:
            return value
    elif not isinstance(array, np.ndarray):
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
