"""What an array offers, once for every kind of box: NumPy's protocols and operators."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from wengert.core.aliasing import check_fits, is_scalar, model_of, store
from wengert.core.arraymethods import ArrayMethods
from wengert.core.flat import Flat
from wengert.core.op import Like
from wengert.core.registry import FUNCTIONS, UFUNC_METHODS
from wengert.core.ufuncs import call_ufunc, name_of, unsupported

__all__ = ["ArrayLike", "defers"]


class ArrayLike(ArrayMethods):
    """A box that behaves as an ``ndarray``. Everything is defined in terms of NumPy's functions."""

    __slots__ = ()

    __array_priority__ = 1000.0
    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # as for arrays: == is elementwise

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            return call_ufunc(ufunc, inputs, **kwargs)
        if method == "reduceat" and len(inputs) > 1:
            kwargs.pop("indices", None)  # NumPy passes what was given by keyword twice
        implementation = FUNCTIONS.get(getattr(ufunc, method))
        if implementation is not None:
            return implementation(*inputs, **kwargs)
        if method in UFUNC_METHODS:
            return UFUNC_METHODS[method](ufunc, *inputs, **kwargs)
        raise unsupported(f"{name_of(ufunc)}.{method}")

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        implementation = FUNCTIONS.get(func)
        if implementation is None:
            raise unsupported(f"{func.__module__}.{func.__name__}".replace("numpy", "np", 1))
        return implementation(*args, **kwargs)

    # Operators

    def __pos__(self) -> Any:
        return np.positive(self)

    def __neg__(self) -> Any:
        return np.negative(self)

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __round__(self, ndigits: int | None = None) -> Any:
        return np.round(self, ndigits or 0)


def _binary(name: str, ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The methods ``__op__``, ``__rop__`` and ``__iop__`` of an operator."""
    compute = getattr(operator, f"__{name}__", ufunc)
    what = f"The in-place np.{ufunc.__name__}"

    def forward(self: ArrayLike, other: Any) -> Any:
        return NotImplemented if defers(other) else ufunc(self, other)

    def backward(self: ArrayLike, other: Any) -> Any:
        return NotImplemented if defers(other) else ufunc(other, self)

    def inplace(self: ArrayLike, other: Any) -> Any:
        if type(other) is Flat:
            other = other.copy()
        elif defers(other):
            return NotImplemented
        if ufunc is not np.matmul and getattr(other, "shape", ()) not in ((), self.shape):
            check_fits(Like(other.shape, self.dtype), self, what)  # before the operation takes gradients away
        y = compute(self, other)
        if is_scalar(self):  # as in NumPy, whose scalars can't change
            return y
        store(self, y, what)
        return self

    return forward, backward, inplace


def _equality(name: str) -> Callable[[ArrayLike, Any], Any]:
    """``__eq__`` or ``__ne__``, which also compare with what is no number: ``x == None`` is an array of ``False``."""
    compare, compute = getattr(operator, name), getattr(ArrayLike, f"__{name}__")

    def method(self: ArrayLike, other: Any) -> Any:
        return compare(model_of(self), other) if other is None or isinstance(other, str) else compute(self, other)

    method.__name__ = f"__{name}__"
    return method


def defers(other: Any) -> bool:
    """Whether ``other`` has said that NumPy should leave operators to it, or is to be made an array first."""
    return getattr(other, "__array_ufunc__", True) is None or type(other) is Flat


OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "floordiv": np.floor_divide,
    "mod": np.remainder, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift, "divmod": np.divmod,
}  # fmt: skip
COMPARISONS = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip

for _name, _ufunc in OPERATORS.items():
    _methods = _binary(_name, _ufunc)
    for _prefix, _method in zip(("", "r", "i"), _methods, strict=True):
        setattr(ArrayLike, f"__{_prefix}{_name}__", _method)
for _name, _ufunc in COMPARISONS.items():
    setattr(ArrayLike, f"__{_name}__", _binary(_name, _ufunc)[0])
for _name in ("eq", "ne"):
    setattr(ArrayLike, f"__{_name}__", _equality(_name))
