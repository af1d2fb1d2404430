"""Forward mode: arrays that carry a tangent along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Params
from wengert.core.aliasing import View, shows
from wengert.core.arraylike import ArrayLike
from wengert.core.dispatch import apply, new_level
from wengert.core.cotangents import fit
from wengert.core.op import Op
from wengert.arrays.tensor import lift
from wengert.core.tape import Node, sweep

__all__ = ["Dual", "dual"]


class Dual(ArrayLike):
    """An array and its tangent. ``tangent`` is ``None`` for a value that does not depend on what is varied."""

    __slots__ = ("_tangent",)

    _tangent: Array

    @property
    def primal(self) -> Array:
        """The value."""
        return self._current()._data

    @property
    def tangent(self) -> Array:
        """The derivative of the value along the direction, or ``None`` if it does not depend on what is varied."""
        return self._current()._tangent

    def __repr__(self) -> str:
        return f"Dual({self._current()._data!r}, tangent={self._tangent!r})"

    @property
    def _inert(self) -> bool:
        return self._tangent is None

    def _become(self, other: Any) -> None:
        if type(other) is Dual and (other._level >= self._level or other._inert):
            other = other._current()
            self._data, self._tangent, self._level = other._data, other._tangent, max(self._level, other._level)
        else:
            self._data, self._tangent = other, None

    def _apply(self, op: Op, arrays: Sequence[Any], params: Params) -> Array:
        level = self._level
        xs: list[Any] = []
        ts: list[Any] = []
        for a in arrays:
            if type(a) is Dual and a._level == level:
                xs.append(a._current()._data)
                ts.append(a._tangent)
            else:
                xs.append(a)
                ts.append(None)
        y = apply(op, xs, params)
        varies = op.kind != "constant" and any([t is not None for t in ts]) and y.dtype.kind in "fc"
        if op.kind == "constant" and y.dtype.kind not in "fc":
            return y
        made = dual(y, push_forward(op, xs, ts, y, params) if varies else None, level)
        if op.put is not None and shows(y, xs[0]):
            made._view = View(op, params, self if arrays[0] is self else dual(xs[0], ts[0], level), xs[0])
        return made


def dual(primal: Array, tangent: Array, level: int) -> Dual:
    """A dual array of ``level``."""
    made: Dual = object.__new__(Dual)
    made._data = primal
    made._tangent = tangent
    made._level = level
    made._view = None
    return made


def push_forward(op: Op, xs: list[Any], ts: list[Any], y: Array, params: Params) -> Array:
    """The tangent of ``y = op(*xs, **params)`` for tangents ``ts`` (``None`` where an input does not vary)."""
    if op.kind == "linear":
        tangent = apply(op, [np.zeros(x.shape, x.dtype) if t is None else t for x, t in zip(xs, ts, strict=True)], params)
    else:
        frame = Node(op, tuple(xs), tuple(xs), y, params, y.shape, y.dtype)
        parts = [_part(op, i, t, frame) for i, t in enumerate(ts) if t is not None]
        tangent = parts[0]
        for part in parts[1:]:
            tangent = tangent + part
    if tangent.shape != y.shape:
        tangent = np.broadcast_to(tangent, y.shape)
    return tangent if tangent.dtype == y.dtype else tangent.astype(y.dtype)


def _part(op: Op, i: int, t: Array, frame: Node) -> Array:
    """What the tangent ``t`` of input ``i`` adds to the tangent of the output."""
    if op.kind == "elementwise":
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
    level = new_level()
    g = lift(np.zeros(frame.shape, frame.dtype), level)
    if op.pull_all is not None:
        r = op.pull_all(g, frame)[i]
    else:
        pulls = op.pulls if frame.dtype.kind != "c" else op.conjugate_pulls
        r = pulls[i](g, frame)
    node = r._node if r.shape == t.shape else fit(r, t.shape)._node
    return sweep(node, t)[g._node]
