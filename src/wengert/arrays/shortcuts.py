"""The commonest operations on tensors, on a shorter way than ``apply``'s: what a call costs when arrays are small.

What is done is what ``Tensor._apply`` does, for an operation on two arrays of which one is a tensor over a plain array
and the other a plain array, a number, or a tensor of the same level. Anything else is handed to ``apply``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import ops as _table  # noqa: F401 - fills the registry, which is read below
from wengert._types import NO_PARAMS, PLAIN, Array
from wengert.arrays.tensor import Tensor
from wengert.core.arraylike import OPERATORS, ArrayLike, defers
from wengert.core.dispatch import apply, operand
from wengert.core.op import Op
from wengert.core.registry import OPS, UFUNCS
from wengert.core.tape import Node

__all__: list[str] = []

_new: Any = object.__new__
_NOT_KEPT = (None,)
_NEITHER = (None, None)
_NUMBERS = frozenset({int, float})

Binary = Callable[[Tensor, Any], Array]


def _alone(op: Op) -> Callable[[Tensor], Array]:
    """``op(self)`` of an elementwise operation on one array."""
    fun = op.fun
    keep_x, keep_y = op.keeps_alone

    def call(self: Tensor) -> Array:
        if self._view is not None:
            self._renewed()
        x = self._inner
        if type(x) not in PLAIN:
            return apply(op, (self,))
        y = fun(x)
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._view = None
        node = self._node
        if node is None:
            made._node = None
            return made
        if node.spent:
            node = self._live()
        made._node = Node(
            op, (node,), (x,) if keep_x else _NOT_KEPT, y if keep_y else None, NO_PARAMS, y.shape, y.dtype
        )
        return made

    return call


def _shortcuts(op: Op, fun: Callable[[Any, Any], Any]) -> tuple[Binary, Binary]:
    """``op(self, other)`` and ``op(other, self)``, the latter for an ``other`` that isn't a tensor."""
    only_first, only_second, both = [
        (*inputs, output) for inputs, output in (op.keeps[v] for v in ((True, False), (False, True), (True, True)))
    ]
    of_one = op.of_one

    def forward(self: Tensor, other: Any) -> Array:
        if self._view is not None:
            self._renewed()
        a = self._inner
        node = self._node
        if type(other) is Tensor:
            if other._view is not None:
                other._renewed()
            if other._level != self._level:
                return apply(op, (self, other))
            b = other._inner
            other_node = other._node
        else:
            if type(other) is np.ndarray and other.dtype.kind == "O":
                operand(other)  # raises
            b = other
            other_node = None
        if type(a) not in PLAIN or type(b) not in PLAIN:
            return NotImplemented if defers(other) else apply(op, (self, other))
        y = fun(a, b)
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._view = None
        if other_node is None:
            if node is None:
                made._node = None
                return made
            keep_a, keep_b, keep_y = only_first
        else:
            keep_a, keep_b, keep_y = both if node is not None else only_second
            if other_node.spent:
                other_node = other._live()
        if node is not None and node.spent:
            node = self._live()
        made._node = Node(
            op,
            (node, other_node),
            (a if keep_a else None, b if keep_b else None) if keep_a or keep_b else _NEITHER,
            y if keep_y else None,
            NO_PARAMS,
            y.shape,
            y.dtype,
        )
        return made

    def backward(self: Tensor, other: Any) -> Array:
        if of_one is not None and type(other) in _NUMBERS and other == 1 and self._inner.dtype.kind in "fc":
            return self._apply_alone(of_one)
        if self._view is not None:
            self._renewed()
        b = self._inner
        if type(other) not in PLAIN or type(b) not in PLAIN or type(other) is complex:  # whose operators know no NumPy
            return NotImplemented if defers(other) else apply(op, (other, self))
        if type(other) is np.ndarray and other.dtype.kind == "O":
            operand(other)  # raises
        y = fun(other, b)
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._view = None
        node = self._node
        if node is not None:
            if node.spent:
                node = self._live()
            keep_a, keep_b, keep_y = only_second
            made._node = Node(
                op,
                (None, node),
                (other if keep_a else None, b if keep_b else None) if keep_a or keep_b else _NEITHER,
                y if keep_y else None,
                NO_PARAMS,
                y.shape,
                y.dtype,
            )
        else:
            made._node = None
        return made

    return forward, backward


def _read(self: Tensor, index: Any) -> Array:
    """``self[index]``, on a short way for an element of a vector."""
    x = self._inner
    node = self._node
    if type(index) is not int or type(x) is not np.ndarray or x.ndim != 1 or self._view or node is None or node.spent:
        return ArrayLike.__getitem__(self, index)
    y = x[index]
    made = _new(Tensor)
    made._inner = y
    made._level = self._level
    made._view = None
    made._node = Node(_GETITEM, (node,), _NOT_KEPT, None, {"index": index}, (), y.dtype)
    return made


_GETITEM = OPS["getitem"]


def _install() -> None:
    """Give ``Tensor`` its operators and its answer to ufuncs."""
    names = {ufunc: name for name, ufunc in OPERATORS.items()}
    binary: dict[np.ufunc, tuple[Binary, Binary]] = {}
    for ufunc, op in UFUNCS.items():
        if op.kind in ("elementwise", "multilinear") and len(op.inputs) == 2 and not op.is_blind:
            # Python's operators are far quicker than ufuncs where both operands are NumPy scalars
            fun = getattr(operator, names[ufunc]) if ufunc in names else ufunc
            forward, backward = binary[ufunc] = _shortcuts(op, fun)
            if ufunc in names:
                setattr(Tensor, f"__{names[ufunc]}__", forward)
                setattr(Tensor, f"__r{names[ufunc]}__", backward)

    alone = {
        ufunc: _alone(op)
        for ufunc, op in UFUNCS.items()
        if op.kind == "elementwise" and len(op.inputs) == 1 and op.put is None and not op.is_blind
    }
    setattr(Tensor, "__neg__", alone[np.negative])  # noqa: B010 - a method is assigned
    general = ArrayLike.__array_ufunc__

    def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not kwargs and method == "__call__":
            if len(inputs) == 1:
                if ufunc in alone:
                    return alone[ufunc](self)
                if ufunc in UFUNCS:
                    return self._apply_alone(UFUNCS[ufunc])
            elif ufunc in binary and len(inputs) == 2:
                forward, backward = binary[ufunc]
                return forward(*inputs) if type(inputs[0]) is Tensor else backward(inputs[1], inputs[0])
        return general(self, ufunc, method, *inputs, **kwargs)

    setattr(Tensor, "__array_ufunc__", array_ufunc)  # noqa: B010 - a method is assigned
    setattr(Tensor, "__getitem__", _read)  # noqa: B010


_install()
