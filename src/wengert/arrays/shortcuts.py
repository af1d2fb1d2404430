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
from wengert.arrays.tensor import Tensor, unseen_memory
from wengert.core import modes
from wengert.core.arraylike import OPERATORS, ArrayLike, defers
from wengert.core.dispatch import apply, operand
from wengert.core.guard import hold, keep
from wengert.core.modes import floor
from wengert.core.op import Op
from wengert.core.registry import OPS, UFUNCS
from wengert.core.tape import FRESH, Node

__all__: list[str] = []

_new: Any = object.__new__
_NOT_KEPT = (None,)
_NEITHER = (None, None)
_NUMBERS = frozenset({int, float})
_QUICK = frozenset({np.ndarray, np.float64, np.float32, float, int})

Binary = Callable[[Tensor, Any], Array]


def _alone(op: Op) -> Callable[[Tensor], Array]:
    """``op(self)`` of an elementwise operation on one array."""
    fun = op.fun
    keep_x, keep_y = op.keeps_alone

    def call(self: Tensor) -> Array:
        x = self._inner
        node = self._node
        memory = None if self._alias is None else unseen_memory(self)
        if modes.special or node is None or type(x) not in PLAIN or (memory is None and self._alias is not None):
            if modes.special and floor() and self._level == 0:
                return _unrecorded(fun(self._current()._inner), node is not None)
            return apply(op, (self,))
        y = fun(x)
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._alias = None
        if node.spent:
            node = self._live()
        made._node = Node(
            op, (node,), (x,) if keep_x else _NOT_KEPT, y if keep_y else None, NO_PARAMS, y.shape, y.dtype
        )
        if keep_x and memory is not None:
            memory.note(made._node)
        return made

    return call


def _unrecorded(y: Array, variable: bool) -> Tensor:
    """The result ``y`` of an operation on a person's tensors within ``no_autodiff``."""
    made: Tensor = _new(Tensor)
    made._inner = y
    made._level = 0
    made._alias = None
    made._node = FRESH if variable else None
    return made


def _shortcuts(op: Op, fun: Callable[[Any, Any], Any]) -> tuple[Binary, Binary]:
    """``op(self, other)`` and ``op(other, self)``, the latter for an ``other`` that isn't a tensor."""
    only_first, only_second, both = [
        (*inputs, output) for inputs, output in (op.keeps[v] for v in ((True, False), (False, True), (True, True)))
    ]
    of_one = op.of_one

    def forward(self: Tensor, other: Any) -> Array:
        if modes.special:
            return unusual(self, other)
        a = self._inner
        node = self._node
        array = memory_a = memory_b = None
        plain = True  # neither an array to lock nor memory that others may see
        if self._alias is not None:
            memory_a = unseen_memory(self)
            if memory_a is None:
                return NotImplemented if defers(other) else apply(op, (self, other))
            plain = False
        if type(other) is Tensor:
            b = other._inner
            other_node = other._node
            if other._alias is not None:
                memory_b = unseen_memory(other)
                if memory_b is None:
                    return apply(op, (self, other))
                plain = False
            if other._level != self._level or type(a) not in PLAIN or type(b) not in PLAIN:
                return apply(op, (self, other))
            if other_node is not None:
                if other_node.spent:
                    other_node = other._live()
                keep_a, keep_b, keep_y = both if node is not None else only_second
            elif node is not None:
                keep_a, keep_b, keep_y = only_first
            else:
                return apply(op, (self, other))
        else:
            b = other
            other_node = None
            if node is None or type(a) not in PLAIN or type(b) not in PLAIN:
                return NotImplemented if defers(other) else apply(op, (self, other))
            if type(b) is np.ndarray:
                if b.dtype.kind == "O":
                    operand(b)  # raises
                array = b
                plain = False
            keep_a, keep_b, keep_y = only_first
        y = fun(a, b)
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._alias = None
        if node is not None and node.spent:
            node = self._live()
        made._node = node = Node(
            op,
            (node, other_node),
            (a if keep_a else None, b if keep_b else None) if keep_a or keep_b else _NEITHER,
            y if keep_y else None,
            NO_PARAMS,
            y.shape,
            y.dtype,
        )
        if plain:
            return made
        if array is not None and (held := hold(array)) is not None:  # now that nothing can fail
            keep(node, self._level, held)
        if memory_a is not None and keep_a:
            memory_a.note(node)
        if memory_b is not None and keep_b:
            memory_b.note(node)
        return made

    def unusual(self: Tensor, other: Any) -> Array:
        """``forward`` where recording is suspended or values are fingerprinted, somewhere in the process."""
        if not floor() or self._level > 0:
            return NotImplemented if defers(other) else apply(op, (self, other))
        node = self._node
        if type(other) is Tensor and other._level == 0:
            b = other._inner if other._alias is None else other._current()._inner
            node = node or other._node
        elif type(other) in _QUICK:
            b = other
        else:
            return NotImplemented if defers(other) else apply(op, (self, other))
        made = _new(Tensor)
        made._inner = fun(self._inner if self._alias is None else self._current()._inner, b)
        made._level = 0
        made._alias = None
        made._node = node and FRESH
        return made

    def backward(self: Tensor, other: Any) -> Array:
        if of_one is not None and type(other) in _NUMBERS and other == 1 and self._inner.dtype.kind in "fc":
            return self._apply_alone(of_one)
        if modes.special and floor() and self._level == 0 and type(other) in _QUICK:
            made = _new(Tensor)
            made._inner = fun(other, self._inner if self._alias is None else self._current()._inner)
            made._level = 0
            made._alias = None
            made._node = self._node and FRESH
            return made
        b = self._inner
        node = self._node
        memory = None if self._alias is None else unseen_memory(self)
        if modes.special or node is None or type(b) not in PLAIN or (memory is None and self._alias is not None):
            return NotImplemented if defers(other) else apply(op, (other, self))
        if type(other) not in PLAIN or type(other) is complex:  # whose operators know no NumPy
            return NotImplemented if defers(other) else apply(op, (other, self))
        plain = None
        if type(other) is np.ndarray:
            if other.dtype.kind == "O":
                operand(other)  # raises
            plain = other
        y = fun(other, b)
        made = _new(Tensor)
        made._inner = y
        made._level = self._level
        made._alias = None
        if node.spent:
            node = self._live()
        keep_a, keep_b, keep_y = only_second
        made._node = node = Node(
            op,
            (None, node),
            (other if keep_a else None, b if keep_b else None) if keep_a or keep_b else _NEITHER,
            y if keep_y else None,
            NO_PARAMS,
            y.shape,
            y.dtype,
        )
        if plain is not None and (held := hold(plain)) is not None:  # now that nothing can fail
            keep(node, self._level, held)
        if memory is not None and keep_b:
            memory.note(node)
        return made

    return forward, backward


def _read(self: Tensor, index: Any) -> Array:
    """``self[index]``, on a short way for an element of a vector."""
    x = self._inner
    node = self._node
    if type(index) is not int or type(x) is not np.ndarray or x.ndim != 1 or node is None or modes.special:
        return ArrayLike.__getitem__(self, index)
    if self._alias is not None and unseen_memory(self) is None:
        return ArrayLike.__getitem__(self, index)
    y = x[index]
    if node.spent:
        node = self._live()
    made = _new(Tensor)
    made._inner = y
    made._level = self._level
    made._alias = None
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
        if op.kind == "elementwise" and len(op.inputs) == 1 and not op.view and not op.is_blind
    }
    setattr(Tensor, "__neg__", alone[np.negative])  # noqa: B010 - a method is assigned
    general = ArrayLike.__array_ufunc__

    def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not kwargs and method == "__call__":
            if len(inputs) == 1:
                if modes.special and floor() and self._level == 0 and ufunc in alone:
                    made = _new(Tensor)
                    made._inner = ufunc(self._inner if self._alias is None else self._current()._inner)
                    made._level = 0
                    made._alias = None
                    made._node = self._node and FRESH
                    return made
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
