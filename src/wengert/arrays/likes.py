"""Functions that make a new tensor like another array: ``zeros_like`` and its kin, with NumPy's parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from wengert._types import ArrayLike, DTypeLike
from wengert.arrays.creation import ShapeLike, computed, filled, new_tensor
from wengert.arrays.tensor import Tensor, stack_boxes
from wengert.core.arraydata import check_constant
from wengert.core.dispatch import Box

__all__ = ["empty_like", "full_like", "ones_like", "zeros_like"]

F = TypeVar("F", bound=Callable[..., Any])


def _other(function: F) -> F:
    """Decorates a function whose first parameter is called ``other`` in MyGrad."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "other" in kwargs:
            args = (kwargs.pop("other"), *args)
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]  # the same function to a type checker


def _like(
    function: Callable[..., Any], a: Any, dtype: Any, order: Any, subok: bool, shape: Any, constant: Any, options: Any
) -> Any:
    """``function(a, ...)``: of a tensor that a person made a variable or a constant as that is."""
    check_constant(constant)
    if not isinstance(order, str):  # MyGrad's third parameter is the shape
        order, shape = "K", order if shape is None else shape
    stacked = stack_boxes(a)
    y = function(a if stacked is None else stacked, dtype=dtype, order=order, subok=subok, shape=shape, **options)
    if not isinstance(y, Box):
        return new_tensor(y, constant)
    if constant is None and type(y) is Tensor and y._level == 0 and type(a) is Tensor and a.constant:
        constant = True
    return computed(y, constant)


@_other
def empty_like(
    prototype: ArrayLike,
    dtype: DTypeLike | None = None,
    order: Any = "K",
    subok: bool = True,
    shape: ShapeLike | None = None,
    *,
    constant: bool | None = None,
    **options: Any,
) -> Any:
    """A tensor with the shape and dtype of another, whose elements are whatever was in memory.

    ``dtype`` and ``shape`` override the other's. Like a constant tensor it is a constant unless told otherwise, like
    anything else a variable. Inside a transformation traced values can be written into it.

    >>> import wengert as wg
    >>> wg.empty_like([[1.0, 2.0]]).shape
    (1, 2)
    """
    return _like(np.empty_like, prototype, dtype, order, subok, shape, constant, options)


@_other
def zeros_like(
    a: ArrayLike,
    dtype: DTypeLike | None = None,
    order: Any = "K",
    subok: bool = True,
    shape: ShapeLike | None = None,
    *,
    constant: bool | None = None,
    **options: Any,
) -> Any:
    """A tensor of zeros with the shape and dtype of another.

    ``dtype`` and ``shape`` override the other's. Like a constant tensor it is a constant unless told otherwise, like
    anything else a variable. Inside a transformation traced values can be written into it.

    >>> import wengert as wg
    >>> def shifted(x):
    ...     y = wg.zeros_like(x)
    ...     y[1:] = x[:-1]
    ...     return (y * x).sum()
    >>> wg.grad(shifted)(wg.arange(3.0).data)
    array([1., 2., 1.])
    """
    return _like(np.zeros_like, a, dtype, order, subok, shape, constant, options)


@_other
def ones_like(
    a: ArrayLike,
    dtype: DTypeLike | None = None,
    order: Any = "K",
    subok: bool = True,
    shape: ShapeLike | None = None,
    *,
    constant: bool | None = None,
    **options: Any,
) -> Any:
    """A tensor of ones with the shape and dtype of another.

    ``dtype`` and ``shape`` override the other's. Like a constant tensor it is a constant unless told otherwise, like
    anything else a variable. Inside a transformation traced values can be written into it.

    >>> import wengert as wg
    >>> wg.ones_like([0.5, 2.0])
    Tensor([1., 1.])
    """
    return _like(np.ones_like, a, dtype, order, subok, shape, constant, options)


@_other
def full_like(
    a: ArrayLike,
    fill_value: ArrayLike,
    dtype: DTypeLike | None = None,
    order: Any = "K",
    subok: bool | None = None,
    shape: ShapeLike | None = None,
    *,
    constant: bool | None = None,
    **options: Any,
) -> Any:
    """A tensor with the shape and dtype of another and ``fill_value``, which is broadcast and converted, in it.

    ``dtype`` and ``shape`` override the other's. Like a constant tensor it is a constant unless told otherwise, like
    anything else a variable. A tensor as ``fill_value`` receives the sum of the gradient. Raises ``ValueError`` if
    ``fill_value`` does not broadcast to the shape.

    >>> import wengert as wg
    >>> wg.full_like([1.0, 2.0], 7)
    Tensor([7., 7.])
    """
    if not isinstance(order, str):  # MyGrad's parameters in this place are the shape and constant
        order, shape = "K", order if shape is None else shape
        constant, subok = constant if subok is None else subok, True
    fill = stack_boxes(fill_value)

    def make(a: Any, **given: Any) -> Any:
        if fill is None or isinstance(a, Box):
            return np.full_like(a, fill_value if fill is None else fill, **given)
        empty = np.empty_like(a, **given)
        return filled(empty.shape, fill, empty.dtype, "F" if np.isfortran(empty) else "C")

    return _like(make, a, dtype, order, subok is not False, shape, constant, options)
