"""Forward mode: arrays that carry a tangent along."""

from __future__ import annotations

from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from wengert._types import Array, Params, Shape
from wengert.arrays.tensor import Tensor, constant_over, lift
from wengert.core import modes
from wengert.core.aliasing import View, blank, holds_everywhere, innermost, layout_of, region, set_shape, shows
from wengert.core.arraylike import ArrayLike
from wengert.core.cotangents import fit
from wengert.core.dispatch import Box, apply, close_level, is_open, open_level
from wengert.core.masking import Reach, bare_frame, is_strict, masked, nonzero, random_frame, weights
from wengert.core.op import Op
from wengert.core.sweep import sweep
from wengert.core.tape import Node

__all__ = ["Dual", "dual"]


class Dual(ArrayLike):
    """An array and its tangent.

    The tangent is ``None`` for a value that does not depend on what is varied. Its *reach* marks the elements that do
    depend on it, where not all do (see ``wengert.core.masking``). Forward mode makes these; nobody else need.

    >>> import numpy as np, wengert as wg
    >>> def shown(x):
    ...     print(x * x)
    ...     return np.sum(x)
    >>> _ = wg.jvp(shown, (np.array([1.0, 3.0]),), (np.array([1.0, 0.5]),))
    Dual(array([1., 9.]), tangent=array([2., 3.]))
    """

    __slots__ = ("_reach", "_tangent")

    _tangent: Array
    _reach: Reach

    @property
    def primal(self) -> Array:
        """The value."""
        return self._current()._inner

    @property
    def tangent(self) -> Array:
        """The derivative of the value along the direction, or ``None`` if it does not depend on what is varied."""
        return self._current()._tangent

    def detach(self) -> Dual:
        """The value without its tangent: no derivative flows through it."""
        return dual(self._current()._inner, None, self._level)

    def _flagged(self, constant: bool, inputs: Sequence[Any] = ()) -> Any:
        return constant_over(innermost(self), 0) if constant else self

    def __repr__(self) -> str:
        return f"Dual({self._current()._inner!r}, tangent={self._tangent!r})"

    def _set_shape(self, shape: Any) -> None:
        set_shape(self, shape)

    @property
    def _history(self) -> Array:
        return self._tangent

    @property
    def _inert(self) -> bool:
        return self._tangent is None

    def _become(self, other: Any) -> None:
        if type(other) is Dual and (other._level >= self._level or other._inert):
            other = other._current()
            self._inner, self._tangent, self._reach = other._inner, other._tangent, other._reach
            self._level = max(self._level, other._level)
        else:
            if isinstance(other, Box):
                other._current()._alias = None
            self._inner, self._tangent, self._reach = other, None, None

    def _frozen(self) -> Dual:
        self._current()
        return dual(self._bare(), self._tangent, self._level, self._reach)

    def _assign(self, op: Op, path: tuple[Any, ...], index: Any, value: Array) -> bool:
        t, reach = None, None
        if isinstance(value, Box):
            value = value._current()
            if type(value) is Dual and value._level == self._level:
                t, reach = value._tangent, value._reach
            elif not value._inert:
                return False
            value = value._inner
        parts = (self._inner, value, self._tangent, t)
        if op.name != "update" or not is_open(self._level) or type(self._inner) is not np.ndarray:
            return False
        if any([isinstance(part, Box) for part in parts]) or (modes.special and self._level < modes.floor()):
            return False
        del parts  # whose references would count
        array = _own(self._inner)
        region(array, path)[index] = value  # before anything is changed, as it may raise
        if t is not None or self._tangent is not None:
            self._write_tangent(path, index, t, reach)
        self._inner = array
        return True

    def _around(self, y: Any) -> Dual:
        made = dual(y, None, self._level)
        view = y._view
        if view is not None and isinstance(view.parent, Dual):
            made._alias = View(view.op, view.params, view.parent, view.parent._inner)
        return made

    def _write_tangent(self, path: tuple[Any, ...], index: Any, t: Array, reach: Reach) -> None:
        """Write the tangent ``t`` of what is assigned; ``None`` is zero, and reaches nothing."""
        x = self._inner
        if self._tangent is None:
            self._tangent, self._reach = _laid_out_as(x, x.dtype), _laid_out_as(x, np.dtype(bool))
        self._tangent = _own(self._tangent, x)
        region(self._tangent, path)[index] = 0 if t is None else t
        reached: Any = t is not None if reach is None else reach
        if self._reach is None:
            if reached is True:
                return
            self._reach = _laid_out_as(x, np.dtype(bool))
            self._reach[...] = True
        self._reach = _own(self._reach, x)
        region(self._reach, path)[index] = reached

    def _apply(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        level = self._level
        xs: list[Any] = []
        ts: list[Any] = []
        reaches: list[Reach] = []
        for a in arrays:
            if type(a) is Dual and a._level == level:
                xs.append(a._current()._inner)
                ts.append(a._tangent)
                reaches.append(a._reach)
            else:
                xs.append(a)
                ts.append(None)
                reaches.append(None)
        y = apply(op, xs, params)
        if op.is_blind:
            ts = [None if rule is None else t for t, rule in zip(ts, op.rules, strict=True)]
        varies = op.kind != "constant" and any([t is not None for t in ts]) and y.dtype.kind in "fc"
        if op.kind == "constant" and y.dtype.kind not in "fc":
            return y
        made = dual(y, None, level)
        if varies:
            frame = Node(op, tuple(xs), tuple(xs), y, params, y.shape, y.dtype)
            made._tangent, made._reach = push_forward(frame, ts, reaches)
        if op.view and shows(y, xs[0]):
            parent = arrays[0]
            if not isinstance(parent, Dual) or parent._level != level:
                parent = dual(xs[0], None, level)
            made._alias = View(op, params, parent, xs[0])
        return made


def dual(primal: Array, tangent: Array, level: int, reach: Reach = None) -> Dual:
    """A dual array of ``level``."""
    made: Dual = object.__new__(Dual)
    made._inner = primal
    made._tangent = tangent
    made._reach = reach
    made._level = level
    made._alias = None
    return made


def _laid_out_as(x: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Zeros with the shape and the order of ``x``."""
    shape, _, order = layout_of(x)
    made = blank(shape, dtype, order)
    made[...] = 0
    return made


def _own(x: Array, like: np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """``x`` if nobody but a slot of a box and the two callers refers to its memory, else a copy ordered as ``like``."""
    order = layout_of(x if like is None else like)
    if type(x) is np.ndarray and getrefcount(x) <= _OWN_REFERENCES and x.flags.writeable:
        base = x.base
        if (base is None or getrefcount(base) <= _OWN_BASE) and layout_of(x)[2] == order[2]:
            return x
    copy = blank(np.shape(x), x.dtype, order[2])
    copy[...] = x
    return copy


class _Slot:
    __slots__ = ("x",)


def _references() -> int:
    """What ``getrefcount`` says in ``_own`` of an array that is in one slot alone."""
    slot = _Slot()
    slot.x = np.empty(())  # type: ignore[attr-defined]

    def count(x: Array, like: Array = None) -> int:
        return getrefcount(x)

    return count(slot.x)  # type: ignore[attr-defined]


def _references_to_base() -> int:
    """What it says there of an array that one view is of, and nobody else refers to."""
    view = np.empty(2)[:1]
    base = view.base
    return getrefcount(base)


_OWN_REFERENCES = _references()
_OWN_BASE = _references_to_base()


def push_forward(frame: Node, ts: list[Any], reaches: list[Reach]) -> tuple[Array, Reach]:
    """The tangent of the operation that ``frame`` describes, and its reach.

    ``ts`` are the inputs' tangents, ``None`` where an input does not vary.
    """
    op = frame.op
    assert op is not None
    if op.reads:
        reach = None if reaches[0] is None else nonzero(apply(op, (reaches[0],), frame.params))
        return _tangent(frame, ts), None if reach is None or holds_everywhere(reach, otherwise=False) else reach
    varying = [i for i, t in enumerate(ts) if t is not None]
    partly = op.selects or any([reaches[i] is not None for i in varying])
    if not partly and (op.kind != "linear" or len(varying) == len(ts)):
        return _tangent(frame, ts), None
    with np.errstate(all="ignore"):
        if is_strict() or (modes.tracing and (trace := modes.trace()) is not None and not trace.masks()):
            return _tangent(frame, ts), None
        if op.kind == "elementwise" and not op.selects:
            return _tangent(frame, ts, reaches), _union([reaches[i] for i in varying], frame.shape)
        seeds = [None if t is None else weights(t.shape, r, t.dtype) for t, r in zip(ts, reaches, strict=True)]
        model = bare_frame(frame) if op.selects or op.kind == "linear" else random_frame(frame)
        if op.kind == "elementwise":  # each input is selected in places of its own
            chosen: list[Reach] = [None] * len(ts)
            for i in varying:
                chosen[i] = np.broadcast_to(nonzero(_part(op, i, seeds[i], model)), frame.shape)
            reach = _union([chosen[i] for i in varying], frame.shape)
            everywhere = reach is None or holds_everywhere(reach, otherwise=False)
            return _tangent(frame, ts, chosen), None if everywhere else reach
        tangent = _tangent(frame, ts)
        reach = nonzero(_tangent(model, seeds))
        return masked(tangent, reach), None if holds_everywhere(reach, otherwise=False) else reach


def _union(reaches: list[Reach], shape: Shape) -> Reach:
    """Where any of several inputs, broadcast to ``shape``, has reach."""
    reach = np.zeros(shape, bool)
    for r in reaches:
        if r is None:
            return None
        reach = reach | r
    return reach


def _tangent(frame: Node, ts: list[Any], reaches: list[Reach] | None = None) -> Array:
    """The tangent alone. Where ``reaches`` are given, what an input adds is masked by its own reach."""
    op = frame.op
    assert op is not None
    if op.kind == "linear":
        pairs = zip(frame.xs, ts, strict=True)
        tangent = apply(op, [_input(op, i, x, t, frame) for i, (x, t) in enumerate(pairs)], frame.params)
    elif op.push_all is not None:
        tangent = op.push_all(ts, frame)
    else:
        parts = [_part(op, i, t, frame) for i, t in enumerate(ts) if t is not None]
        if reaches is not None:
            mine = [r for r, t in zip(reaches, ts, strict=True) if t is not None]
            parts = [part if r is None else masked(part, r) for part, r in zip(parts, mine, strict=True)]
        tangent = parts[0]
        for part in parts[1:]:
            tangent = tangent + part
    if type(tangent) is complex:  # of a Python complex and a NumPy scalar
        tangent = np.complex128(tangent)
    if tangent.shape != frame.shape:
        tangent = np.broadcast_to(tangent, frame.shape)
    return tangent if tangent.dtype == frame.dtype else tangent.astype(frame.dtype)


def _input(op: Op, i: int, x: Array, t: Array, frame: Node) -> Array:
    """What a linear operation is given for input ``i``: its tangent, zero if it does not vary, a condition as it is."""
    if t is not None or (not op.variadic and op.rules[i] is None):
        return x if t is None else t
    return np.zeros(np.shape(x), frame.dtype)


def _part(op: Op, i: int, t: Array, frame: Node) -> Array:
    """What the tangent ``t`` of input ``i`` adds to the tangent of the output."""
    if op.kind == "elementwise" and op.pushes is None:
        partial = op.partials[i]
        return partial * t if isinstance(partial, int) else partial(frame) * t
    if op.kind == "multilinear":
        return apply(op, [t if j == i else x for j, x in enumerate(frame.xs)], frame.params)
    if op.pushes is not None:
        push = op.pushes[0 if op.variadic else i]
        assert push is not None
        return push(t, frame)
    return _transposed_pull(op, i, t, frame)


def _transposed_pull(op: Op, i: int, t: Array, frame: Node) -> Array:
    """The pushforward as the transpose of the pullback, which is linear in its cotangent."""
    level = open_level()
    try:
        g = lift(np.zeros(frame.shape, frame.dtype), level)
        variable: Any = g._node
        if op.pull_all is not None:
            r = op.pull_all(g, frame)[i]
        else:
            pull = (op.pulls if frame.dtype.kind != "c" else op.conjugate_pulls)[i]
            assert pull is not None
            r = pull(g, frame)
        r = fit(r, t.shape) if r.shape != t.shape else r
    finally:
        close_level(level)
    if not isinstance(r, Tensor) or r._level != level or r._node is None:
        return np.zeros(frame.shape, frame.dtype)  # a person's pullback may ignore its cotangent
    return sweep(r._node, t)[variable]
