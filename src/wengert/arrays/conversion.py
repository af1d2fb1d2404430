"""Between arrays and tensors: ``astensor`` and ``asarray``, which copy nothing that need not be copied."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array, ArrayLike, DTypeLike
from wengert.arrays.results import as_result
from wengert.arrays.tensor import Tensor, tensor
from wengert.core.arraydata import check_constant
from wengert.core.dispatch import Box

__all__ = ["asarray", "astensor"]


def astensor(t: Any, dtype: DTypeLike | None = None, *, constant: bool | None = None) -> Any:
    """``t`` as a tensor: ``t`` itself if it is one already, else a tensor over the same memory where that can be.

    A tensor is returned as it is if ``dtype`` and ``constant`` agree with it or aren't given. Another dtype makes a
    converted copy, through which derivatives flow; another ``constant`` a tensor over the same memory. Of anything else
    the result is what ``wg.tensor(t, dtype, constant=constant, copy=False)`` gives.

    Raises ``ValueError`` for ``constant=False`` with integers or booleans, ``TypeError`` if ``constant`` is no flag.

    >>> import numpy as np, wengert as wg
    >>> x = wg.tensor([1.0, 2.0])
    >>> wg.astensor(x) is x
    True
    >>> a = np.ones(2)
    >>> wg.astensor(a).data is a
    True
    """
    if not isinstance(t, Box):
        return tensor(t, dtype, constant=constant, copy=False)
    check_constant(constant)
    x: Array = t
    y: Array = x if dtype is None or x.dtype == dtype else x.astype(dtype)
    if constant is None or (type(y) is Tensor and y.constant == constant):
        return y
    return as_result(y, constant, inputs=(t,))


def asarray(a: ArrayLike, dtype: DTypeLike | None = None, order: Any = None, **options: Any) -> np.ndarray[Any, Any]:
    """``a`` as a plain array: the memory of a tensor itself, not a copy, where dtype and order allow.

    The parameters are those of ``np.asarray``. Raises ``ConversionError`` for an array that a transformation is
    differentiating, whose gradient would be lost.

    >>> import wengert as wg
    >>> x = wg.tensor([1.0, 2.0])
    >>> wg.asarray(x) is x.data
    True
    >>> wg.asarray([x, x], dtype="float32")
    array([[1., 2.],
           [1., 2.]], dtype=float32)
    """
    if isinstance(a, Box):
        a = a.data if isinstance(a, Tensor) and a._level == 0 else a._plain("wg.asarray")
    return np.asarray(a, dtype, order, **options)
