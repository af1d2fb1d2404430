"""Tensors of random numbers, drawn from NumPy's global generator: ``np.random.seed`` and ``seed`` are the same.

They are variables unless ``constant=True``; integers are constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import DTypeLike
from wengert.arrays.creation import new_tensor
from wengert.arrays.tensor import Tensor
from wengert.core.arraydata import check_constant

__all__ = ["rand", "randint", "randn", "random", "random_sample", "ranf", "sample", "seed"]

ShapeLike = int | tuple[int, ...] | list[int] | None


def seed(seed_number: Any = None) -> None:
    """Seed NumPy's global generator: what is drawn afterwards is the same each time.

    Raises ``ValueError`` for an integer that is negative or has more than 32 bits.

    >>> import wengert as wg
    >>> wg.random.seed(1964)
    >>> wg.random.rand(2)
    Tensor([0.8759..., 0.8985...])
    """
    np.random.seed(seed_number)  # noqa: NPY002 - the global generator is meant


def random(shape: ShapeLike = None, *, size: ShapeLike = None, constant: bool | None = None) -> Tensor:
    """Numbers drawn evenly from the interval from 0 to 1, which is left out, in an array of ``shape`` (``None``: one).

    ``size`` is NumPy's name of ``shape``. Raises ``ValueError`` for a negative length, ``TypeError`` if ``constant``
    is no flag.

    >>> import wengert as wg
    >>> wg.random.random((2, 3)).shape
    (2, 3)
    """
    check_constant(constant)
    return new_tensor(np.random.random_sample(size if shape is None else shape), constant)  # noqa: NPY002


random_sample = ranf = sample = random


def rand(*shape: int, constant: bool | None = None) -> Tensor:
    """Numbers drawn evenly from the interval from 0 to 1, which is left out; the axes' lengths one by one.

    Raises ``ValueError`` for a negative length, ``TypeError`` for lengths that are no integers.

    >>> import wengert as wg
    >>> wg.random.rand(2, 3, constant=True).constant
    True
    """
    check_constant(constant)
    return new_tensor(np.random.rand(*shape), constant)  # noqa: NPY002


def randn(*shape: int, constant: bool | None = None) -> Tensor:
    """Numbers drawn from the normal distribution of mean 0 and variance 1; the axes' lengths one by one.

    Raises ``ValueError`` for a negative length, ``TypeError`` for lengths that are no integers.

    >>> import wengert as wg
    >>> wg.random.randn(2, 3).shape
    (2, 3)
    """
    check_constant(constant)
    return new_tensor(np.random.randn(*shape), constant)  # noqa: NPY002


def randint(
    low: Any,
    high: Any = None,
    shape: ShapeLike = None,
    dtype: DTypeLike = int,
    *,
    size: ShapeLike = None,
    constant: bool | None = None,
) -> Tensor:
    """Integers from ``low`` to ``high``, which is left out, in an array of ``shape``; one if ``None``. A constant.

    Without ``high`` they are from 0 to ``low``. ``size`` is NumPy's name of ``shape``. Raises ``ValueError`` if there
    is no integer to draw, and for ``constant=False``.

    >>> import wengert as wg
    >>> wg.random.randint(1, 2, (2,))
    Tensor([1, 1])
    """
    check_constant(constant)
    drawn = np.random.randint(low, high, size if shape is None else shape, dtype)  # type: ignore[arg-type]  # noqa: NPY002
    return new_tensor(drawn, constant)
