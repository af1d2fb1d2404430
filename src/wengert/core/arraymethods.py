"""The methods of an array, once for every kind of box, in terms of NumPy's functions, and recorded as those are."""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem, setitem
from typing import Any, NoReturn

import numpy as np

from wengert.core.aliasing import model_of
from wengert.core.arraydata import ArrayData, bytes_refused, check_constant, check_variable
from wengert.core.flat import Flat
from wengert.core.registry import ALONE, FUNCTIONS, OPS

__all__ = ["ArrayMethods", "converted", "flagged"]


def _numpys(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function as a method, without the way through NumPy's dispatch."""

    def method(self: ArrayMethods, *args: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        if not args and not kwargs and function in ALONE:
            y = self._apply_alone(ALONE[function])
        else:
            y = FUNCTIONS[function](self, *args, **kwargs)
        return flagged(y, constant, self)

    method.__name__ = function.__name__
    method.__qualname__ = f"ArrayMethods.{function.__name__}"
    method.__doc__ = f"``np.{function.__name__}``; ``constant`` as in wengert's function of that name."
    return method


def flagged(y: Any, constant: bool | None, *inputs: Any) -> Any:
    """``y``, the result of a call on ``inputs``, as a constant or as a variable; as it is, if neither is asked for."""
    if constant is None:
        return y
    check_constant(constant)
    if not constant:
        check_variable(y.dtype)
    return y._flagged(constant, inputs) if isinstance(y, ArrayData) else y


class ArrayMethods(ArrayData):
    """An array's methods. Abstract: ``ArrayLike`` adds protocols and operators."""

    __slots__ = ()

    # Reading and writing elements

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        FUNCTIONS[setitem](self, index, value)

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("A 0-d array can't be iterated over.")
        return (self[i] for i in range(self.shape[0]))

    def __delitem__(self, index: Any) -> NoReturn:
        raise ValueError("Elements can't be deleted from an array. Make one without them: x = np.delete(x, index).")

    @property
    def flat(self) -> Any:
        """The elements one after another, to read, to write and to walk through."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[...] = value

    def fill(self, value: Any) -> None:
        """Set every element to ``value``, in place."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: Any = "raise") -> None:
        """``np.put``: in place."""
        np.put(self, indices, values, mode)  # type: ignore[arg-type]  # dispatched

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
        """``np.sort``, in place."""
        self[...] = np.sort(self, axis, kind, order, stable=stable)

    def partition(self, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None) -> None:
        """``np.partition``, in place."""
        self[...] = np.partition(self, kth, axis, kind, order)

    # Parts

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

    # Views and copies

    @property
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return np.matrix_transpose(self)

    def reshape(self, *shape: Any, constant: bool | None = None, **kwargs: Any) -> Any:
        """``np.reshape``; the new shape as one tuple or as several integers."""
        y: Any = np.reshape(self, shape[0] if len(shape) == 1 else shape, **kwargs)
        return flagged(y, constant, self)

    def transpose(self, *axes: Any, constant: bool | None = None) -> Any:
        """``np.transpose``; the axes as one tuple or as several integers."""
        y: Any = np.transpose(self, axes[0] if len(axes) == 1 else axes or None)
        return flagged(y, constant, self)

    def flatten(self, order: Any = "C", *, constant: bool | None = None) -> Any:
        """A copy, collapsed into one axis."""
        flat: Any = np.ravel(self, order)
        if flat is self or flat._view is not None:
            flat = np.copy(flat)
        return flagged(flat, constant, self)

    def view(self, dtype: Any = None, type: Any = None) -> Any:  # noqa: A002 - NumPy's name
        """A view of all elements; of complex numbers with a real ``dtype``, their parts side by side, or the reverse.

        Raises ``UnsupportedFunction`` for any other ``dtype``: bytes have no derivative.
        """
        if type is not None or _is_array_class(dtype):
            raise bytes_refused("view(type)", "x.view() for a view, or x.data for the plain array")
        kind = self.dtype if dtype is None else np.dtype(dtype)
        if kind == self.dtype:
            return np.reshape(self, self.shape)
        if not _is_same_precision(self.dtype, kind):
            raise bytes_refused(f"view({kind}) of {self.dtype}", f"x.astype({str(kind)!r})")
        model_of(self).view(kind)  # raises where the elements don't lie side by side
        return self._apply_alone(OPS["view_as_real" if kind.kind == "f" else "view_as_complex"])

    def copy(self, order: Any = "C", *, constant: bool | None = None) -> Any:
        """A copy, recorded: derivatives flow through it."""
        y = np.copy(self, order)
        return flagged(y, constant, self)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.copy()

    def astype(
        self,
        dtype: Any,
        order: Any = "K",
        casting: Any = "unsafe",
        subok: bool = True,
        copy: bool = True,
        *,
        constant: bool | None = None,
    ) -> Any:
        """The elements converted to ``dtype``, recorded: derivatives flow through it where both are inexact."""
        dtype = np.dtype(dtype)
        if not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(f"astype: can't convert {self.dtype} to {dtype} with casting={casting!r}.")
        y = self
        if copy or dtype != self.dtype or order != "K":
            y = self._apply_alone(OPS["astype"], {"dtype": dtype, "order": order})
        return flagged(y, constant, self)

    # NumPy's functions of the same names

    all = _numpys(np.all)
    any = _numpys(np.any)
    argmax = _numpys(np.argmax)
    argmin = _numpys(np.argmin)
    argpartition = _numpys(np.argpartition)
    argsort = _numpys(np.argsort)
    choose = _numpys(np.choose)
    clip = _numpys(np.clip)
    cumprod = _numpys(np.cumprod)
    cumsum = _numpys(np.cumsum)
    diagonal = _numpys(np.diagonal)
    dot = _numpys(np.dot)
    max = _numpys(np.max)
    mean = _numpys(np.mean)
    min = _numpys(np.min)
    moveaxis = _numpys(np.moveaxis)
    nonzero = _numpys(np.nonzero)
    prod = _numpys(np.prod)
    ravel = _numpys(np.ravel)
    repeat = _numpys(np.repeat)
    round = _numpys(np.round)
    searchsorted = _numpys(np.searchsorted)
    squeeze = _numpys(np.squeeze)
    std = _numpys(np.std)
    sum = _numpys(np.sum)
    swapaxes = _numpys(np.swapaxes)
    take = _numpys(np.take)
    trace = _numpys(np.trace)
    var = _numpys(np.var)

    def compress(self, condition: Any, axis: int | None = None, out: Any = None) -> Any:
        """``np.compress``."""
        return np.compress(condition, self, axis, out)

    def conj(self) -> Any:
        """``np.conj``."""
        return self._apply_alone(OPS["conjugate"])

    conjugate = conj


def converted(x: Any, dtype: Any, copy: bool = True) -> Any:
    """``x.astype(dtype)`` within an operation: a constant stays one, of which a tensor's method makes a variable."""
    return ArrayMethods.astype(x, dtype, copy=copy) if isinstance(x, ArrayMethods) else x.astype(dtype, copy=copy)


def _is_array_class(dtype: Any) -> bool:
    return isinstance(dtype, type) and issubclass(dtype, np.ndarray)


def _is_same_precision(a: np.dtype[Any], b: np.dtype[Any]) -> bool:
    """Whether one of the dtypes is that of the other's real and imaginary parts."""
    real, both = (a, b) if a.kind == "f" else (b, a)
    return real.kind == "f" and both.kind == "c" and both.itemsize == 2 * real.itemsize
