"""Operations of a person's own, written as MyGrad's ``Operation`` classes.

An operation computes with plain arrays, also inside a transformation such as :func:`wengert.grad`, and may save what it
likes on itself for the way back.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from wengert._types import Array, Axis, DTypeLike, Shape
from wengert.arrays.tensor import Tensor
from wengert.core.aliasing import innermost
from wengert.core.cotangents import fit
from wengert.core.dispatch import Box
from wengert.errors import InputError, InvalidGradient

__all__ = ["BinaryUfunc", "Operation", "Sequential", "SkipGradient", "Ufunc", "UnaryUfunc"]


_NUMBERS = (int, float, complex, np.generic, np.ndarray)


class SkipGradient(Exception):
    """Raised by ``backward_var`` where there is nothing to add to an input's gradient."""


class Operation(ABC):
    """A function of arrays and its derivative, stated by hand; run it with :func:`wengert.compat.mygrad.execute_op`.

    ``__call__`` gets a tensor for each input, keeps them as ``self.variables`` and returns an array, computed from
    their ``.data``. ``backward_var(grad, index)`` returns the cotangent of ``self.variables[index]``; it is not called
    for constants. One instance is made for each run, so anything may be saved on ``self``.

    Works in reverse mode and, by transposition, in forward mode. A derivative of a derivative raises
    ``UnsupportedFunction``, as the derivative of what was saved isn't known: :func:`wengert.custom_gradient` has
    every order.

    >>> import numpy as np, wengert as wg
    >>> from wengert.compat.mygrad import execute_op
    >>> from wengert.compat.mygrad.operation_base import Operation
    >>> class Square(Operation):
    ...     def __call__(self, x):
    ...         self.variables = (x,)
    ...         return x.data**2
    ...     def backward_var(self, grad, index, **kwargs):
    ...         return grad * 2 * self.variables[index].data
    >>> x = wg.tensor([1.0, 2.0])
    >>> execute_op(Square, x).backward()
    >>> x.grad
    array([2., 4.])
    """

    can_return_view: ClassVar[bool] = False
    """Accepted from MyGrad's programs: a result never shares memory with an input here."""

    variables: tuple[Tensor, ...]
    """The inputs that gradients are taken by, in the order that ``backward_var`` counts in."""

    _inputs: tuple[Tensor, ...] = ()  # what __call__ was given
    _collected: list[Array]  # while backward runs: the cotangent of each input, None for one without

    @abstractmethod
    def __call__(self, *input_vars: Any, **kwargs: Any) -> np.ndarray[Any, Any]:
        """The operation's value, an array; ``self.variables`` is to be set to the tuple of input tensors."""

    @abstractmethod
    def backward_var(self, grad: np.ndarray[Any, Any], index: int, **kwargs: Any) -> np.ndarray[Any, Any]:
        """The cotangent of ``self.variables[index]``, given ``grad``, that of the value.

        Where an input was broadcast the result may have the broadcast shape: it is summed over the repeated axes, and
        cast to the input's dtype. A result that isn't an array of numbers, or not of such a shape, raises
        ``InvalidGradient``; raising ``SkipGradient`` adds nothing.
        """

    def backward(self, grad: np.ndarray[Any, Any], **kwargs: Any) -> None:
        """Call ``backward_var`` for each variable that isn't constant, and pass the results on.

        An override may prepare what ``backward_var`` shares, or change ``grad``, and then calls
        ``super().backward(grad)``.
        """
        for index, variable in enumerate(self.variables):
            if variable.constant:
                continue
            place = self._place_of(variable)
            try:
                r = self.backward_var(grad, index, **kwargs)
            except SkipGradient:
                r = np.zeros(variable.shape, variable.dtype)
            else:
                r = self._reduced(self._checked(r, index), variable.shape, index)
            total = self._collected[place]
            self._collected[place] = r if total is None else total + r

    @staticmethod
    def grad_post_process_fn(grad: np.ndarray[Any, Any], var_shape: Shape) -> np.ndarray[Any, Any]:
        """``grad`` summed over the axes along which an array of ``var_shape`` was broadcast.

        Raises ``InvalidGradient`` if broadcasting ``var_shape`` doesn't give ``grad``'s shape.
        """
        extra = grad.ndim - len(var_shape)
        if extra < 0 or any([m not in (1, n) for m, n in zip(var_shape, grad.shape[extra:], strict=True)]):
            raise InvalidGradient(
                f"returned shape {grad.shape} for an input of shape {var_shape}, which does not broadcast to it. "
                "Return the input's own shape, or the shape it was broadcast to."
            )
        return fit(grad, var_shape)

    def _checked(self, r: Any, index: int) -> Array:
        """What ``backward_var`` returned, an array of numbers."""
        if isinstance(r, Box) and r._level > 0:  # forward mode transposes backward_var, which is linear in grad
            return r
        if not isinstance(r, _NUMBERS) or np.asarray(r).dtype.kind not in "biufc":
            what = f"an array of {r.dtype}" if isinstance(r, np.ndarray) else f"a {type(r).__name__}"
            hint = " Compute with the arrays x.data, not with the tensors." if isinstance(r, Box) else ""
            raise InvalidGradient(
                f"{type(self).__name__}.backward_var(grad, index={index}) must return an array of numbers; it returned "
                f"{what}.{hint}"
            )
        return np.asarray(r)

    def _reduced(self, r: Array, shape: Shape, index: int) -> Array:
        """``r`` as a cotangent of an input of ``shape``."""
        try:
            r = self.grad_post_process_fn(r, shape)
        except InvalidGradient as error:
            raise InvalidGradient(f"{type(self).__name__}.backward_var(grad, index={index}) {error}") from None
        if np.shape(r) != shape:
            raise InvalidGradient(
                f"{type(self).__name__}.grad_post_process_fn returned shape {np.shape(r)} for input {index}, whose "
                f"shape is {shape}."
            )
        return r

    def _place_of(self, variable: Tensor) -> int:
        """Which input ``variable`` is."""
        for place, x in enumerate(self._inputs):
            if x is variable:
                return place
        raise InputError(
            f"{type(self).__name__}.variables holds a tensor that isn't one of the {len(self._inputs)} that "
            "__call__ was given. Set self.variables to those."
        )


class Ufunc(Operation, ABC):
    """An operation that applies a NumPy ufunc, named by the class attribute ``numpy_ufunc``, to each element."""

    numpy_ufunc: ClassVar[np.ufunc]
    where: Any = True
    """Where the ufunc is computed; elsewhere no gradient passes."""

    def _checked(self, r: Any, index: int) -> Array:
        r = super()._checked(r, index)
        return r if self.where is True else np.where(self.where, r, np.zeros((), r.dtype))

    def _evaluate(self, xs: Sequence[Tensor], out: Any, where: Any, dtype: DTypeLike | None) -> np.ndarray[Any, Any]:
        self.variables = tuple(xs)
        self.where = where if where is True else innermost(where)
        arrays = [x.data for x in xs]
        if where is True or out is not None:
            value: np.ndarray[Any, Any] = self.numpy_ufunc(*arrays, out=out, where=where, dtype=dtype)
            return value
        with np.errstate(all="ignore"):  # execute_op puts in the elements that aren't asked for
            return np.asarray(self.numpy_ufunc(*arrays, dtype=dtype))


class UnaryUfunc(Ufunc, ABC):
    """A ufunc of one array: a subclass names it and adds ``backward_var``."""

    def __call__(
        self, x1: Tensor, out: Any = None, *, where: Any = True, dtype: DTypeLike | None = None
    ) -> np.ndarray[Any, Any]:
        """``numpy_ufunc(x1)``."""
        return self._evaluate((x1,), out, where, dtype)


class BinaryUfunc(Ufunc, ABC):
    """A ufunc of two arrays, broadcast together: a subclass names it and adds ``backward_var``."""

    def __call__(
        self, x1: Tensor, x2: Tensor, out: Any = None, *, where: Any = True, dtype: DTypeLike | None = None
    ) -> np.ndarray[Any, Any]:
        """``numpy_ufunc(x1, x2)``."""
        return self._evaluate((x1, x2), out, where, dtype)


class Sequential(Operation, ABC):
    """A reduction of one array: a subclass adds ``numpy_func``, which computes it, and ``backward_var``.

    For the latter ``self.axis`` (a tuple or ``None``), ``self.keepdims``, ``self.initial``, ``self.ddof`` and
    ``self.out_shape`` are kept.
    """

    axis: tuple[int, ...] | None
    out_shape: Shape
    keepdims: Any
    initial: Any
    ddof: Any

    @staticmethod
    @abstractmethod
    def numpy_func(
        a: np.ndarray[Any, Any], axis: Axis = None, dtype: DTypeLike | None = None, out: Any = None, **kwargs: Any
    ) -> np.ndarray[Any, Any]:
        """The reduction of the array ``a``."""

    def __call__(
        self,
        a: Tensor,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: Any = None,
        keepdims: Any = np._NoValue,
        initial: Any = np._NoValue,
        *,
        where: Any = np._NoValue,
        ddof: Any = np._NoValue,
    ) -> np.ndarray[Any, Any]:
        """``numpy_func(a, axis, ...)``, given those keywords that were given here."""
        self.variables = (a,)
        self.keepdims, self.initial, self.ddof = keepdims, initial, ddof
        self.axis = None if axis is None else tuple(axis) if isinstance(axis, tuple | list) else (axis,)
        given = {"keepdims": keepdims, "initial": initial, "where": where, "ddof": ddof}
        given = {name: value for name, value in given.items() if value is not np._NoValue}
        value = self.numpy_func(a.data, axis=axis, dtype=dtype, out=out, **given)
        self.out_shape = np.shape(value)
        return value
