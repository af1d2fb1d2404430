"""The tape: nodes that remember the operation a value came from, and what its rule needs.

A node points to the nodes it was computed from and to nothing else that is alive: a graph is freed by reference
counting the moment its last tensor goes. Nodes are numbered as they are made, so descending order of that number
visits every node after all of its uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np

from wengert._types import NO_PARAMS, Array, Params
from wengert.core.modes import next_number
from wengert.core.op import Like, Op
from wengert.errors import InvalidBackprop

__all__ = ["FRESH", "SAME", "Node", "ancestry", "clear", "interpose", "leaf", "record"]

_by_number = attrgetter("number")


class Node:
    """One recorded value: the operation it came from, that operation's inputs, and what its rules need.

    ``op`` is ``None`` for a leaf. ``parents`` has an entry for each array input: its node, or ``None`` for a
    constant. ``grad`` is where ``backward`` leaves the gradient. ``held`` are the locks that it keeps on arrays (see
    ``wengert.core.guard``).
    """

    __slots__ = (
        "__weakref__", "dtype", "grad", "held", "number", "op", "params", "parents", "shape", "spent", "xs", "y"
    )  # fmt: skip

    def __init__(
        self,
        op: Op | None,
        parents: tuple[Node | None, ...],
        xs: tuple[Any, ...],
        y: Any,
        params: Params,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self.op = op
        self.parents = parents
        self.xs = xs
        self.y = y
        self.params = params
        self.shape = shape
        self.dtype = dtype
        self.number = next_number()
        self.grad: Array = None
        self.held: Any = None
        self.spent = False

    def __repr__(self) -> str:
        return f"<Node {'leaf' if self.op is None else self.op.name}: {self.dtype} {self.shape}>"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def like(self, i: int) -> Any:
        """Something with the shape and dtype of input ``i``."""
        parent = self.parents[i]
        return self.xs[i] if parent is None else parent

    def likes(self) -> tuple[Any, ...]:
        """The same for all inputs (of an operation over any number of them)."""
        return self.xs

    def release(self) -> None:
        """Drop the saved values and the way back; what remains is spent."""
        self.spent = True
        self.parents = self.xs = ()
        self.y = self.held = None
        self.params = NO_PARAMS

    def keep(self, hold: Any) -> None:
        """Keep a lock on an array until this node is released or gone."""
        if hold is not None:
            self.held = hold if self.held is None else (self.held, hold)


def leaf(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Node:
    """A node that was computed from nothing."""
    return Node(None, (), (), None, NO_PARAMS, shape, dtype)


def interpose(node: Node) -> Node:
    """A new leaf behind ``node``, a leaf, which from now on stands for those who have used it so far."""
    made = leaf(node.shape, node.dtype)
    made.number = node.number - 0.5  # type: ignore[assignment]  # older than whatever uses it
    made.grad = node.grad
    node.op, node.parents, node.xs = SAME, (made,), (None,)
    return made


SAME = Op("same", "linear", lambda x: x, ("x",), (lambda g: g,))
"""What stands between a leaf and its users where these must be told apart from the leaf's owner."""


def record(op: Op, parents: tuple[Node | None, ...], xs: Iterable[Any], y: Array, params: Params) -> Node:
    """A node for ``y = op(*xs, **params)`` that keeps the values its rules need, and no others."""
    inputs, output = op.keeps[tuple([p is not None for p in parents])]
    if op.variadic:
        kept = tuple([x if keep else Like(np.shape(x), x.dtype) for x, keep in zip(xs, inputs, strict=True)])
    else:
        kept = tuple([x if keep else None for x, keep in zip(xs, inputs, strict=True)])
    return Node(op, parents, kept, y if output else None, params, y.shape, y.dtype)


def ancestry(root: Node) -> tuple[list[Node], bool]:
    """The operations that ``root`` was computed by, oldest first, and whether one of them selects among elements.

    Reading parts of a leaf does not count: nothing follows on the way back that a zero could be multiplied by.
    """
    if root.spent:
        raise _spent()
    if root.op is None:
        return [], False
    order: list[Node] = []
    found = {root}
    stack = [root]
    selective = False
    while stack:
        node = stack.pop()
        order.append(node)
        op: Op = node.op  # type: ignore[assignment]  # leaves never reach the stack
        if op.selects and not (op.reads and node.parents[0].op is None):  # type: ignore[union-attr]  # it has one
            selective = True
        for parent in node.parents:
            if parent is not None and parent not in found:
                if parent.spent:
                    raise _spent()
                found.add(parent)
                if parent.op is not None:
                    stack.append(parent)
    order.sort(key=_by_number)
    return order, selective


def clear(root: Node) -> None:
    """Release ``root`` and all that it was computed from."""
    stack = [root]
    while stack:
        node = stack.pop()
        if not node.spent:
            stack.extend([p for p in node.parents if p is not None])
            node.release()


FRESH = leaf((), np.dtype(float))
"""The node of a variable that no operation has used yet: it gets one of its own when one does."""
FRESH.spent = True


def _spent() -> InvalidBackprop:
    return InvalidBackprop(
        "Backpropagation reached a tensor whose graph was cleared by an earlier backward(). Compute the result "
        "anew before calling backward() again, or add the terms up and call backward() once."
    )
