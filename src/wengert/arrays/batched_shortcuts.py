"""The commonest operations on batches, on a shorter way than NumPy's protocol and ``apply``.

What is done is what ``Batched._apply`` does, where a batch holds a plain array and nobody else sees its memory, and the
other operand is a batch of as many axes, a number, or a matrix. Anything else is handed to ``apply``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import ops as _table  # noqa: F401 - fills the registry, which is read below
from wengert.arrays.batched import Batched, make_batched
from wengert.core import modes
from wengert.core.arraylike import COMPARISONS, OPERATORS, ArrayLike, defers
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import UFUNCS

__all__: list[str] = []


def _pointwise(op: Op) -> tuple[Callable[[Batched, Any], Any], Callable[[Batched, Any], Any]]:
    """``op(self, other)`` and ``op(other, self)`` of an operation on two arrays."""
    fun = op.fun

    def forward(self: Batched, other: Any) -> Any:
        x = self._inner
        if self._alias is None and self._mapped and type(x) is np.ndarray and not modes.floor():
            if type(other) is Batched:
                y = other._inner
                same = other._alias is None and other._mapped and other._level == self._level
                if same and type(y) is np.ndarray and y.ndim == x.ndim:
                    return make_batched(fun(x, y), self._count, self._level, True, False)
            elif type(other) is float or type(other) is int:
                return make_batched(fun(x, other), self._count, self._level, True, False)
        return NotImplemented if defers(other) else apply(op, (self, other))

    def backward(self: Batched, other: Any) -> Any:
        x = self._inner
        number = type(other) is float or type(other) is int
        if number and self._alias is None and self._mapped and type(x) is np.ndarray and not modes.floor():
            return make_batched(fun(other, x), self._count, self._level, True, False)
        return NotImplemented if defers(other) else apply(op, (other, self))

    return forward, backward


def _alone(op: Op) -> Callable[[Batched], Any]:
    """``op(self)`` of an elementwise operation on one array."""
    fun = op.fun

    def call(self: Batched) -> Any:
        x = self._inner
        if self._alias is None and self._mapped and type(x) is np.ndarray and not modes.floor():
            return make_batched(fun(x), self._count, self._level, True, False)
        return apply(op, (self,))

    return call


def _is_quick(x: Batched) -> bool:
    """Whether ``x`` holds a plain array with the batch axis, and nobody else sees its memory."""
    return x._alias is None and x._mapped and type(x._inner) is np.ndarray and not modes.floor()


def _product(op: Op) -> tuple[Callable[[Batched, Any], Any], Callable[[Batched, Any], Any]]:
    """The matrix product: of a vector and a matrix, of which one may be the same for all, or of two matrices."""

    def forward(self: Batched, other: Any) -> Any:
        if _is_quick(self):
            x, count = self._inner, self._count
            if type(other) is np.ndarray and x.ndim == other.ndim == 2:
                return make_batched(x @ other, count, self._level, True, False)
            if type(other) is Batched and other._level == self._level and x.ndim == 3 and _is_quick(other):
                b = other._inner
                if b.ndim == 3:
                    return make_batched(x @ b, count, self._level, True, False)
                if b.ndim == 2:
                    return make_batched((x @ b[:, :, None])[:, :, 0], count, self._level, True, False)
        return NotImplemented if defers(other) else apply(op, (self, other))

    def backward(self: Batched, other: Any) -> Any:
        if type(other) is np.ndarray and other.ndim == self._inner.ndim == 2 and _is_quick(self):
            return make_batched(self._inner @ other.T, self._count, self._level, True, False)
        return NotImplemented if defers(other) else apply(op, (other, self))

    return forward, backward


def _install() -> None:
    """Give ``Batched`` its operators and its answer to ufuncs."""
    names = {ufunc: f"{name}__" for name, ufunc in (OPERATORS | COMPARISONS).items()}
    binary: dict[np.ufunc, Any] = {}
    alone: dict[np.ufunc, Any] = {}
    for ufunc, op in UFUNCS.items():
        is_pointwise = ufunc.signature is None and op.fun is ufunc and ufunc.nout == 1
        if ufunc.nin == 1 and is_pointwise and not op.view:
            alone[ufunc] = _alone(op)
        elif ufunc.nin == 2 and (is_pointwise or ufunc is np.matmul):
            binary[ufunc] = forward, backward = (_pointwise if is_pointwise else _product)(op)
            if ufunc in names and ufunc not in (np.equal, np.not_equal):  # which also compare with what is no number
                setattr(Batched, f"__{names[ufunc]}", forward)
                setattr(Batched, f"__r{names[ufunc]}", backward)
    setattr(Batched, "__neg__", alone[np.negative])  # noqa: B010 - a method is assigned
    general = ArrayLike.__array_ufunc__

    def array_ufunc(self: Batched, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not kwargs and method == "__call__":
            if ufunc in alone and len(inputs) == 1:
                return alone[ufunc](self)
            if ufunc in binary and len(inputs) == 2:
                forward, backward = binary[ufunc]
                return forward(*inputs) if type(inputs[0]) is Batched else backward(inputs[1], inputs[0])
        return general(self, ufunc, method, *inputs, **kwargs)

    setattr(Batched, "__array_ufunc__", array_ufunc)  # noqa: B010 - a method is assigned


_install()
