"""Views and in-place updates: boxes alias one another exactly as the arrays they stand for.

A view knows the box it is a view of and the operation that made it. An update is functional underneath: the updated
box takes over a new value and a new history, so whatever recorded the old value still has it. A view writes through
to what it is a view of, and takes over what others wrote when it is next used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array, Params
from wengert.core.dispatch import Box, apply
from wengert.core.op import Op

__all__ = ["View", "read_only", "shows", "write"]


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
        parent = self.parent._current()
        if parent._data is not self.seen:
            box._become(apply(self.op, (parent,), self.params))
            self.seen = parent._data


def write(box: Box, value: Array) -> None:
    """Let ``box`` hold ``value``, of the same shape and dtype, and so every box that shares its memory."""
    view = box._view
    if view is None:
        box._become(value)
        return
    parent = view.parent._current()
    assert view.op.put is not None
    write(parent, view.op.put(parent, value, **view.params))
    view.refresh(box)


def read_only(parent: Array, value: Array, **params: Any) -> Array:
    """The ``put`` of views that NumPy makes read-only."""
    raise ValueError("The destination is a read-only view, as in NumPy. Update a copy of it: view.copy().")


def shows(y: Array, x: Array) -> bool:
    """Whether ``y``, a result computed from ``x``, shows ``x``'s memory."""
    if isinstance(y, Box):
        return y._view is not None and y._view.parent is x
    return y.base is not None and np.may_share_memory(y, x)
