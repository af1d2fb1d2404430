"""Linear algebra: NumPy's functions of ``np.linalg``, which return tensors and take ``constant=``."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.arrays.kinks import magnitude
from wengert.arrays.namespace import find, names
from wengert.arrays.results import as_result, call, origin_of
from wengert.arrays.tensor import stack_boxes
from wengert.core.arraydata import check_constant

__all__ = ["norm"]

_NORM = origin_of(np.linalg.norm)


def norm(
    x: Any,
    ord: Any = None,  # noqa: A002 - NumPy's name
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    *,
    nan_to_num: bool = True,
    constant: bool | None = None,
) -> Any:
    r"""The length of vectors, ``(Σ |xᵢ|ᵖ)^(1/p)`` with ``p = ord``, or a norm of matrices; parameters as in NumPy.

    At 0, where a length has no derivative, the derivative is 0, and so it is by single elements that are 0 where the
    norm has a kink there. With ``nan_to_num=False`` the derivative by every element that is 0 is NaN instead, which
    shows such points instead of passing over them. Raises ``ValueError`` for an order that NumPy does not know.

    >>> import wengert as wg
    >>> x = wg.tensor([3.0, 4.0])
    >>> wg.linalg.norm(x).backward()
    >>> x.grad
    array([0.6, 0.8])
    """
    check_constant(constant)
    stacked = stack_boxes(x)
    x = x if stacked is None else stacked
    return as_result(call(_NORM, (x if nan_to_num else magnitude(x), ord, axis, keepdims), {}), constant)


def __getattr__(name: str) -> Any:
    """Another function of ``np.linalg``, wrapped the first time it is asked for."""
    found = globals()[name] = find(np.linalg, name, "wengert.linalg")
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *names(np.linalg)})
