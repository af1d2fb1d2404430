"""What an array offers, once for every kind of box: NumPy's protocols, attributes, methods and operators."""

from __future__ import annotations

import operator
from collections.abc import Callable
from operator import getitem, setitem
from typing import Any, ClassVar

import numpy as np

from wengert._types import NO_PARAMS
from wengert.core.aliasing import deliver, innermost, store
from wengert.core.dispatch import Box, apply, operand
from wengert.core.op import Op
from wengert.core.registry import FUNCTIONS, OPS, UFUNC_METHODS, UFUNCS
from wengert.errors import UnsupportedFunction

__all__ = ["ArrayLike", "call_ufunc", "defers", "unsupported"]


class ArrayLike(Box):
    """A box that behaves as an ``ndarray``. Everything is defined in terms of NumPy's functions."""

    __slots__ = ()

    __array_priority__ = 1000.0
    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # as for arrays: == is elementwise

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            if ufunc in UFUNCS:
                return call_ufunc(UFUNCS[ufunc], ufunc, inputs, **kwargs)
            if ufunc in FUNCTIONS:
                return FUNCTIONS[ufunc](*inputs, **kwargs)
        else:
            implementation = FUNCTIONS.get(getattr(ufunc, method))
            if implementation is not None:
                return implementation(*inputs, **kwargs)
            if method in UFUNC_METHODS:
                if method == "reduceat" and len(inputs) > 1:
                    kwargs.pop("indices", None)  # NumPy passes what was given by keyword twice
                return UFUNC_METHODS[method](ufunc, *inputs, **kwargs)
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        of_numpy = getattr(np, ufunc.__name__, None) is ufunc
        raise UnsupportedFunction(unsupported(f"np.{name}" if of_numpy else f"The ufunc {name}"))

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        implementation = FUNCTIONS.get(func)
        if implementation is None:
            raise UnsupportedFunction(unsupported(f"{func.__module__}.{func.__name__}".replace("numpy", "np", 1)))
        return implementation(*args, **kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self._plain("np.asarray"), dtype=dtype, copy=copy)

    # What an array is asked

    @property
    def itemsize(self) -> int:
        """Bytes an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def base(self) -> Any:
        """The box whose memory this one shows, or ``None`` if it has memory of its own."""
        box: Any = self
        while box._view is not None:
            box = box._view.parent
        return None if box is self else box

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array: it has no axes to count along.")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("A 0-d array can't be iterated over.")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    # Conversions to plain Python values

    def __bool__(self) -> bool:
        return bool(self._current()._inner)

    def __float__(self) -> float:
        return float(self._plain("float()"))

    def __int__(self) -> int:
        return int(self._plain("int()"))

    def __complex__(self) -> complex:
        return complex(self._plain("complex()"))

    def __index__(self) -> int:
        return int(self._plain("use as an index").__index__())

    def item(self, *args: Any) -> Any:
        """The only element, or the one that ``args`` index, as a Python number."""
        return self._plain("item()").item(*args)

    def tolist(self) -> Any:
        """The elements in nested lists of Python numbers."""
        return self._plain("tolist()").tolist()

    def __format__(self, spec: str) -> str:
        inner = self._current()._inner
        return format(inner, spec) if spec else str(self)

    # Reading and writing elements

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        FUNCTIONS[setitem](self, index, value)

    def fill(self, value: Any) -> None:
        """Set every element to ``value``, in place."""
        self[...] = value

    # Methods, each NumPy's function of that name

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        """``np.sum``."""
        return np.sum(self, *args, **kwargs)

    def prod(self, *args: Any, **kwargs: Any) -> Any:
        """``np.prod``."""
        return np.prod(self, *args, **kwargs)

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """``np.mean``."""
        return np.mean(self, *args, **kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """``np.var``."""
        return np.var(self, *args, **kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """``np.std``."""
        return np.std(self, *args, **kwargs)

    def max(self, *args: Any, **kwargs: Any) -> Any:
        """``np.max``."""
        return np.max(self, *args, **kwargs)

    def min(self, *args: Any, **kwargs: Any) -> Any:
        """``np.min``."""
        return np.min(self, *args, **kwargs)

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        """``np.argmax``: plain integers."""
        return np.argmax(self, *args, **kwargs)

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        """``np.argmin``: plain integers."""
        return np.argmin(self, *args, **kwargs)

    def argsort(self, *args: Any, **kwargs: Any) -> Any:
        """``np.argsort``: plain integers."""
        return np.argsort(self, *args, **kwargs)

    def any(self, *args: Any, **kwargs: Any) -> Any:
        """``np.any``: plain booleans."""
        return np.any(self, *args, **kwargs)

    def all(self, *args: Any, **kwargs: Any) -> Any:
        """``np.all``: plain booleans."""
        return np.all(self, *args, **kwargs)

    def nonzero(self) -> Any:
        """``np.nonzero``: plain indices."""
        return np.nonzero(self)

    def cumsum(self, *args: Any, **kwargs: Any) -> Any:
        """``np.cumsum``."""
        return np.cumsum(self, *args, **kwargs)

    def cumprod(self, *args: Any, **kwargs: Any) -> Any:
        """``np.cumprod``."""
        return np.cumprod(self, *args, **kwargs)

    def clip(self, *args: Any, **kwargs: Any) -> Any:
        """``np.clip``."""
        return np.clip(self, *args, **kwargs)

    def round(self, decimals: int = 0) -> Any:
        """``np.round``."""
        return np.round(self, decimals)

    def conj(self) -> Any:
        """``np.conj``."""
        return np.conj(self)

    conjugate = conj

    @property
    def real(self) -> Any:
        """The real part."""
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        np.real(self)[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError(f"An array of {self.dtype} has no imaginary part to set. Convert it: x.astype(complex).")
        np.imag(self)[...] = value

    def dot(self, other: Any) -> Any:
        """``np.dot``."""
        return np.dot(self, other)

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """``np.reshape``; the new shape as one tuple or as several integers."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **kwargs)

    def ravel(self, order: Any = "C") -> Any:
        """``np.ravel``."""
        return np.ravel(self, order)

    def flatten(self, order: Any = "C") -> Any:
        """A copy, collapsed into one axis."""
        flat: Any = np.ravel(self, order)
        return flat if flat._view is None else np.copy(flat)

    def transpose(self, *axes: Any) -> Any:
        """``np.transpose``; the axes as one tuple or as several integers."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    @property
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return np.matrix_transpose(self)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """``np.swapaxes``."""
        return np.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Any:
        """``np.squeeze``."""
        return np.squeeze(self, axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """``np.repeat``."""
        return np.repeat(self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None, mode: Any = "raise") -> Any:
        """``np.take``."""
        return np.take(self, indices, axis, mode=mode)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """``np.compress``."""
        return np.compress(condition, self, axis)

    def choose(self, choices: Any, mode: Any = "raise") -> Any:
        """``np.choose``."""
        return np.choose(self, choices, mode=mode)

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """``np.put``: in place."""
        np.put(self, indices, values, mode)  # type: ignore[arg-type]  # dispatched

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
        """``np.sort``, in place."""
        self[...] = np.sort(self, axis, kind, order, stable=stable)

    def partition(self, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None) -> None:
        """``np.partition``, in place."""
        self[...] = np.partition(self, kth, axis, kind, order)

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """``np.searchsorted``: plain positions."""
        return np.searchsorted(self, v, side, sorter)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """``np.diagonal``."""
        return np.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """``np.trace``."""
        return np.trace(self, offset, axis1, axis2)

    def copy(self, order: Any = "C") -> Any:
        """A copy, recorded: derivatives flow through it."""
        return np.copy(self, order)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.copy()

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """The elements converted to ``dtype``, recorded: derivatives flow through it where both are inexact."""
        dtype = np.dtype(dtype)
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"astype: can't convert {self.dtype} to {dtype} with casting={casting!r}.")
        if not copy and dtype == self.dtype and order == "K":
            return self
        return self._apply_alone(OPS["astype"], {"dtype": dtype, "order": order})

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


def unsupported(name: str) -> str:
    """What to tell a person whose function is not in the table."""
    return (
        f"{name} has no derivative rule in wengert. Write it with functions that have one, give it a rule with "
        "wg.custom_gradient, or pass wg.stop_gradient(x) if no derivative should flow through it."
    )


def call_ufunc(
    op: Op, ufunc: np.ufunc, inputs: tuple[Any, ...], out: Any = None, where: Any = True, **kwargs: Any
) -> Any:
    """A ufunc with keywords. The result goes to ``out``, and where ``where`` is false ``out`` keeps its value."""
    if len(inputs) > ufunc.nin:
        out = inputs[ufunc.nin :]
        inputs = inputs[: ufunc.nin]
    inputs = tuple([operand(x) for x in inputs])
    if where is True:
        y = apply(op, inputs, kwargs or NO_PARAMS)
    else:
        target = out[0] if isinstance(out, tuple) else out
        if target is None:
            raise UnsupportedFunction(
                f"np.{ufunc.__name__}(..., where=...) needs out=: without it the other elements would be uninitialised."
            )
        with np.errstate(all="ignore"):
            y = apply(op, inputs, kwargs or NO_PARAMS)
        y = np.where(where, y, target)
    return y if out is None else deliver(y, out, f"np.{ufunc.__name__}")


def _binary(name: str, ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The methods ``__op__``, ``__rop__`` and ``__iop__`` of an operator."""
    compute = getattr(operator, f"__{name}__", ufunc)
    what = f"The in-place np.{ufunc.__name__}"

    def forward(self: ArrayLike, other: Any) -> Any:
        return NotImplemented if defers(other) else ufunc(self, other)

    def backward(self: ArrayLike, other: Any) -> Any:
        return NotImplemented if defers(other) else ufunc(other, self)

    def inplace(self: ArrayLike, other: Any) -> Any:
        if defers(other):
            return NotImplemented
        y = compute(self, other)
        if isinstance(innermost(self), np.generic):  # as in NumPy, whose scalars can't change
            return y
        store(self, y, what)
        return self

    return forward, backward, inplace


def defers(other: Any) -> bool:
    """Whether ``other`` has said that NumPy should leave operators to it."""
    return getattr(other, "__array_ufunc__", True) is None


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
