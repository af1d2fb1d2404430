"""Values drawn at random, from NumPy's global generator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert._types import DTypeLike, Shape
from wengert.arrays.creation import new_tensor
from wengert.arrays.tensor import Tensor
from wengert.nnet.initializers.shapes import shape_of, weights_shape_of

__all__ = ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "normal", "uniform"]


def _normal(what: str, shape: Shape, mean: Any, std: Any, dtype: DTypeLike, constant: bool | None) -> Tensor:
    _check_dtype(what, dtype)
    if not std >= 0:
        raise ValueError(f"{what}: the standard deviation must not be negative; got {std!r}.")
    drawn = np.random.normal(mean, std, shape)  # noqa: NPY002 - the global generator is what is documented
    return new_tensor(np.asarray(drawn, dtype), constant)


def _uniform(what: str, shape: Shape, lower: Any, upper: Any, dtype: DTypeLike, constant: bool | None) -> Tensor:
    _check_dtype(what, dtype)
    if not lower < upper:
        raise ValueError(f"{what}: the lower bound must be less than the upper one; got {lower!r} and {upper!r}.")
    drawn = np.random.uniform(lower, upper, shape)  # noqa: NPY002 - the global generator is what is documented
    return new_tensor(np.asarray(drawn, dtype), constant)


def _check_dtype(what: str, dtype: DTypeLike) -> None:
    if np.dtype(dtype).kind != "f":
        raise ValueError(f"{what}: drawn numbers are of floating-point type; got dtype={dtype!r}.")


def _fans(shape: Shape) -> tuple[int, int]:
    """How many inputs each output has, and how many outputs each input."""
    outputs, inputs, *window = shape
    return inputs * math.prod(window), outputs * math.prod(window)


def normal(
    *shape: Any, mean: Any = 0, std: Any = 1, dtype: DTypeLike = np.float32, constant: bool | None = None
) -> Tensor:
    """Numbers drawn from the normal distribution of that mean and standard deviation.

    Raises ``ValueError`` for a dtype that is not of floating-point type and for a negative standard deviation.

    >>> import numpy as np
    >>> from wengert.nnet.initializers import normal
    >>> np.random.seed(0)
    >>> normal(2, 2)
    Tensor([[1.7640524, 0.4001572],
            [0.978738 , 2.2408931]], dtype=float32)
    """
    return _normal("normal", shape_of(shape), mean, std, dtype, constant)


def uniform(
    *shape: Any, lower_bound: Any = 0, upper_bound: Any = 1, dtype: DTypeLike = np.float32, constant: bool | None = None
) -> Tensor:
    """Numbers drawn evenly from ``lower_bound`` to below ``upper_bound``.

    Raises ``ValueError`` for a dtype that is not of floating-point type and for bounds that are not in order.

    >>> import numpy as np
    >>> from wengert.nnet.initializers import uniform
    >>> np.random.seed(0)
    >>> uniform(2, 2, lower_bound=-1)
    Tensor([[0.09762701, 0.43037874],
            [0.20552675, 0.08976637]], dtype=float32)
    """
    return _uniform("uniform", shape_of(shape), lower_bound, upper_bound, dtype, constant)


def glorot_normal(*shape: Any, gain: Any = 1, dtype: DTypeLike = np.float32, constant: bool | None = None) -> Tensor:
    """Normally distributed weights with the variance ``2 gain² / (inputs + outputs)``, for layers that level off.

    ``shape`` is (outputs, inputs, ...); the lengths of further axes, a filter's, multiply both. Raises ``ValueError``
    for fewer than two axes and for a dtype that is not of floating-point type.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.

    >>> from wengert.nnet.initializers import glorot_normal
    >>> glorot_normal(300, 200).data.std() - (2 / 500) ** 0.5 < 0.002
    np.True_
    """
    lengths = weights_shape_of("glorot_normal", shape)
    return _normal("glorot_normal", lengths, 0, gain * math.sqrt(2 / max(sum(_fans(lengths)), 1)), dtype, constant)


def glorot_uniform(*shape: Any, gain: Any = 1, dtype: DTypeLike = np.float32, constant: bool | None = None) -> Tensor:
    """Evenly distributed weights with the same variance: from ``-b`` to ``b = gain sqrt(6 / (inputs + outputs))``.

    All else is as for :func:`glorot_normal`.

    >>> from wengert.nnet.initializers import glorot_uniform
    >>> abs(glorot_uniform(3, 3).data).max() < 1
    np.True_
    """
    lengths = weights_shape_of("glorot_uniform", shape)
    bound = gain * math.sqrt(6 / max(sum(_fans(lengths)), 1))
    return _uniform("glorot_uniform", lengths, -bound, bound, dtype, constant)


def he_normal(*shape: Any, gain: Any = 1, dtype: DTypeLike = np.float32, constant: bool | None = None) -> Tensor:
    """Normally distributed weights with the variance ``gain² / inputs``.

    ``shape`` is (outputs, inputs, ...); the lengths of further axes, a filter's, multiply the inputs. Before
    rectifiers of slope ``a`` below 0 the gain is ``sqrt(2 / (1 + a²))``. Raises ``ValueError`` for fewer than two axes
    and for a dtype that is not of floating-point type.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", 2015.

    >>> from wengert.nnet.initializers import he_normal
    >>> he_normal(300, 200, gain=2**0.5).data.std() - (2 / 200) ** 0.5 < 0.002
    np.True_
    """
    lengths = weights_shape_of("he_normal", shape)
    return _normal("he_normal", lengths, 0, gain / math.sqrt(max(_fans(lengths)[0], 1)), dtype, constant)


def he_uniform(*shape: Any, gain: Any = 1, dtype: DTypeLike = np.float32, constant: bool | None = None) -> Tensor:
    """Evenly distributed weights with the same variance: from ``-b`` to ``b = gain sqrt(3 / inputs)``.

    All else is as for :func:`he_normal`.

    >>> from wengert.nnet.initializers import he_uniform
    >>> abs(he_uniform(3, 3).data).max() < 1
    np.True_
    """
    lengths = weights_shape_of("he_uniform", shape)
    bound = gain * math.sqrt(3 / max(_fans(lengths)[0], 1))
    return _uniform("he_uniform", lengths, -bound, bound, dtype, constant)
