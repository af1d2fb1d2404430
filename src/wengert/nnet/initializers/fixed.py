"""Values that are known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import DTypeLike
from wengert.arrays.creation import full, new_tensor
from wengert.arrays.tensor import Tensor
from wengert.nnet.initializers.shapes import shape_of, weights_shape_of

__all__ = ["constant", "dirac"]


def constant(*shape: Any, value: Any = 0.0, dtype: DTypeLike | None = None, constant: bool | None = None) -> Tensor:
    """A tensor of ``shape`` filled with ``value``, of its dtype unless another is given.

    A tensor as ``value`` receives the sum of the gradient. Raises ``TypeError`` for a shape that is not of integers and
    for values that are no numbers.

    >>> from wengert.nnet.initializers import constant
    >>> constant(2, 3, value=0.5)
    Tensor([[0.5, 0.5, 0.5],
            [0.5, 0.5, 0.5]])
    """
    made: Tensor = full(shape_of(shape), value, dtype, constant=constant)
    return made


def dirac(*shape: Any, dtype: DTypeLike = np.float32, constant: bool | None = None) -> Tensor:
    """Filters that pass on as many channels as there are on both sides: 1 in the middle of filter i for channel i.

    ``shape`` is that of a filter bank, (F, C, ...). The middle of an axis of even length is the later of two. Raises
    ``ValueError`` for fewer than two axes.

    Zagoruyko and Komodakis, "DiracNets: training very deep neural networks without skip connections", 2017.

    >>> from wengert.nnet.initializers import dirac
    >>> dirac(2, 2, 3)
    Tensor([[[0., 1., 0.],
             [0., 0., 0.]],
    <BLANKLINE>
            [[0., 0., 0.],
             [0., 1., 0.]]], dtype=float32)
    """
    lengths = weights_shape_of("dirac", shape)
    filters = np.zeros(lengths, dtype)
    i = np.arange(min(lengths[:2]))
    middle: Any = [n // 2 for n in lengths[2:]]
    filters[(i, i, *middle)] = 1
    return new_tensor(filters, constant)
