"""Functions that make new tensors: ``zeros``, ``arange``, ``linspace``, ... with NumPy's parameters.

What they make is a variable if it holds floating-point or complex numbers, unless ``constant=True``. What is computed
from tensors, such as ``linspace`` between two of them, is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert._types import Array, ArrayLike, DTypeLike
from wengert.arrays.results import as_result
from wengert.arrays.tensor import Tensor, stack_boxes, tensor
from wengert.core.aliasing import innermost
from wengert.core.arraydata import check_constant
from wengert.core.dispatch import Box

__all__ = [
    "ShapeLike",
    "arange",
    "computed",
    "empty",
    "eye",
    "filled",
    "full",
    "geomspace",
    "identity",
    "linspace",
    "logspace",
    "new_tensor",
    "ones",
    "zeros",
]

_range: Callable[..., Any] = np.arange
ShapeLike = int | tuple[int, ...] | list[int]


def new_tensor(array: ArrayLike, constant: bool | None) -> Tensor:
    """A tensor over ``array``, an array or number that nobody else holds."""
    made = tensor(array, constant=constant, copy=False)
    if type(made) is Tensor and made._node is not None:  # and no symbol
        made._alias = None
    return made


def computed(y: Any, constant: bool | None) -> Any:
    """``y``, which was computed from numbers or boxes: a variable unless ``constant`` or of integers."""
    if not isinstance(y, Box):
        return new_tensor(y, constant)
    check_constant(constant)
    if constant is None and y.dtype.kind in "fc":
        constant = False
    return as_result(y, constant)


# Of a shape


def empty(
    shape: ShapeLike, dtype: DTypeLike | None = None, order: Any = "C", *, constant: bool | None = None, **options: Any
) -> Tensor:
    """A tensor of the given shape whose elements are whatever was in memory.

    The dtype is float64 unless given. ``options`` are NumPy's (``device``, ``like``). Raises ``ValueError`` for a
    negative length, and for ``constant=False`` with a dtype of integers or booleans.

    >>> import wengert as wg
    >>> wg.empty((2, 3)).shape
    (2, 3)
    """
    return new_tensor(np.empty(shape, dtype, order, **options), constant)


def zeros(
    shape: ShapeLike, dtype: DTypeLike | None = None, order: Any = "C", *, constant: bool | None = None, **options: Any
) -> Tensor:
    """A tensor of zeros of the given shape.

    The dtype is float64 unless given. ``options`` are NumPy's (``device``, ``like``). Raises ``ValueError`` for a
    negative length, and for ``constant=False`` with a dtype of integers or booleans.

    >>> import wengert as wg
    >>> wg.zeros(3)
    Tensor([0., 0., 0.])
    >>> wg.zeros(2, dtype=int).constant
    True
    """
    return new_tensor(np.zeros(shape, dtype, order, **options), constant)


def ones(
    shape: ShapeLike, dtype: DTypeLike | None = None, order: Any = "C", *, constant: bool | None = None, **options: Any
) -> Tensor:
    """A tensor of ones of the given shape.

    The dtype is float64 unless given. ``options`` are NumPy's (``device``, ``like``). Raises ``ValueError`` for a
    negative length, and for ``constant=False`` with a dtype of integers or booleans.

    >>> import wengert as wg
    >>> wg.ones((2, 2), dtype="float32")
    Tensor([[1., 1.],
            [1., 1.]], dtype=float32)
    """
    return new_tensor(np.ones(shape, dtype, order, **options), constant)


def full(
    shape: ShapeLike,
    fill_value: ArrayLike,
    dtype: DTypeLike | None = None,
    order: Any = "C",
    *,
    constant: bool | None = None,
    **options: Any,
) -> Any:
    """A tensor of the given shape with ``fill_value``, which is broadcast, in it.

    The dtype is ``fill_value``'s unless given: ``full(2, 3)`` holds integers and is a constant. A tensor as
    ``fill_value`` receives the sum of the gradient. Raises ``ValueError`` if ``fill_value`` does not broadcast to
    the shape, and for ``constant=False`` with integers or booleans.

    >>> import wengert as wg
    >>> wg.full(2, 3.0)
    Tensor([3., 3.])
    >>> x = wg.tensor(3.0)
    >>> wg.full((2, 2), x).backward()
    >>> x.grad
    array(4.)
    """
    fill = stack_boxes(fill_value)
    if fill is None:
        return new_tensor(np.full(shape, fill_value, dtype, order, **options), constant)
    return computed(filled(shape, fill, dtype, order), constant)


def filled(shape: Any, fill: Array, dtype: DTypeLike | None, order: Any) -> Array:
    """``full`` of a box."""
    y: Any = np.copy(np.broadcast_to(fill, shape), order)
    return y if dtype is None or y.dtype == dtype else y.astype(dtype)


def eye(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: DTypeLike = float,
    order: Any = "C",
    *,
    constant: bool | None = None,
    **options: Any,
) -> Tensor:
    """A matrix of ``N`` rows and ``M`` columns (``N`` if not given) with ones on its ``k``-th diagonal, else zeros.

    The dtype is float64 unless given. Raises ``ValueError`` for ``constant=False`` with integers or booleans.

    >>> import wengert as wg
    >>> wg.eye(2, 3, k=1)
    Tensor([[0., 1., 0.],
            [0., 0., 1.]])
    """
    return new_tensor(np.eye(N, M, k, dtype, order, **options), constant)


def identity(n: int, dtype: DTypeLike | None = None, *, constant: bool | None = None, **options: Any) -> Tensor:
    """The identity matrix of ``n`` rows.

    The dtype is float64 unless given. Raises ``ValueError`` for ``constant=False`` with integers or booleans.

    >>> import wengert as wg
    >>> wg.identity(2)
    Tensor([[1., 0.],
            [0., 1.]])
    """
    return new_tensor(np.identity(n, dtype, **options), constant)


# Ranges


def arange(
    start: Any = None,
    stop: Any = None,
    step: Any = None,
    dtype: DTypeLike | None = None,
    *,
    constant: bool | None = None,
    **options: Any,
) -> Any:
    """Evenly spaced numbers from ``start`` to ``stop``, which is left out, in steps of ``step``.

    With one argument that is ``stop``, and ``start`` is 0. The dtype follows from the arguments, so a range of integers
    is a constant. Tensors as ``start`` and ``step`` receive gradients (how many numbers there are has no derivative).
    Raises ``ZeroDivisionError`` for steps of 0, ``ValueError`` for ``constant=False`` with integers.

    >>> import wengert as wg
    >>> wg.arange(3)
    Tensor([0, 1, 2])
    >>> wg.arange(0.5, 2.0)
    Tensor([0.5, 1.5])
    """
    if stop is None:
        start, stop = None, start
    places: Any = (stop,) if start is None else (start, stop)
    steps: Any = {} if step is None else {"step": step}
    if not any([isinstance(x, Box) for x in (*places, step)]):
        return new_tensor(_range(*places, **steps, dtype=dtype, **options), constant)
    values = _range(*map(innermost, places), **{name: innermost(x) for name, x in steps.items()}, **options)
    y = (0 if start is None else start) + (1 if step is None else step) * np.arange(values.size, dtype=values.dtype)
    return computed(y if dtype is None or y.dtype == dtype else y.astype(dtype), constant)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: Any = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    constant: bool | None = None,
    **options: Any,
) -> Any:
    """``num`` numbers from ``start`` to ``stop``, evenly spaced; without ``stop`` itself if ``endpoint`` is false.

    ``start`` and ``stop`` may be arrays or tensors; the samples lie along a new ``axis``. With ``retstep`` the result
    is a pair, the numbers and their spacing. (MyGrad has no ``retstep``: its next parameters, a dtype and an axis, are
    understood in that place.) Raises ``ValueError`` if ``num`` is negative.

    >>> import wengert as wg
    >>> wg.linspace(0, 1, 5)
    Tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    if not isinstance(retstep, bool | np.bool_ | int):
        retstep, dtype, axis = False, retstep, axis if dtype is None else dtype
    start, stop = _ends(start, stop)
    made = np.linspace(start, stop, num, endpoint, bool(retstep), dtype, axis, **options)  # type: ignore[call-overload]
    return (computed(made[0], constant), as_result(made[1])) if retstep else computed(made, constant)


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
    *,
    constant: bool | None = None,
) -> Any:
    """``num`` numbers from ``base**start`` to ``base**stop``, evenly spaced on a logarithmic scale.

    ``start``, ``stop`` and ``base`` may be arrays or tensors; the samples lie along a new ``axis``. Raises
    ``ValueError`` if ``num`` is negative.

    >>> import wengert as wg
    >>> wg.logspace(0, 2, 3)
    Tensor([  1.,  10., 100.])
    """
    start, stop = _ends(start, stop)
    return computed(np.logspace(start, stop, num, endpoint, base, dtype, axis), constant)


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike | None = None,
    axis: int = 0,
    *,
    constant: bool | None = None,
) -> Any:
    """``num`` numbers from ``start`` to ``stop``, each the same multiple of the one before.

    ``start`` and ``stop`` may be arrays or tensors; the samples lie along a new ``axis``. Raises ``ValueError`` if
    ``num`` is negative, if one of the ends is 0, and where both are real and their signs differ.

    >>> import wengert as wg
    >>> wg.geomspace(1, 8, 4)
    Tensor([1., 2., 4., 8.])
    """
    start, stop = _ends(start, stop)
    return computed(np.geomspace(start, stop, num, endpoint, dtype, axis), constant)


def _ends(start: Any, stop: Any) -> tuple[Any, Any]:
    """The ends of a range; sequences with boxes in them as one box."""
    first, last = stack_boxes(start), stack_boxes(stop)
    return start if first is None else first, stop if last is None else last
