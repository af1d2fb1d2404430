"""NumPy's functions under wengert's own name: the same functions, whose results are tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import wrap
from wengert.core.dispatch import Box
from wengert.core.registry import FUNCTIONS, UFUNCS

__all__ = ["names", "tensor_function"]


def names() -> list[str]:
    """Names of the functions of NumPy's main namespace that work on tensors."""
    return sorted(name for name in dir(np) if not name.startswith("_") and _is_known(getattr(np, name)))


def tensor_function(name: str) -> Callable[..., Any]:
    """NumPy's function ``name``, returning tensors where NumPy returns floating-point or complex arrays.

    Of tensors the result is what NumPy's function itself gives; of plain arrays it is a constant tensor. Raises
    ``AttributeError`` if NumPy has no such function or wengert no rule for it.

    >>> import wengert as wg
    >>> wg.exp([0.0])
    Tensor([1.])
    """
    function = getattr(np, name, None)
    if name.startswith("_") or not _is_known(function):
        raise AttributeError(f"module 'wengert' has no attribute {name!r}")
    assert function is not None

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return _as_tensors(function(*args, **kwargs))

    wrapped.__module__ = "wengert"
    return wrapped


def _is_known(function: Any) -> bool:
    return callable(function) and (function in FUNCTIONS or function in UFUNCS)


def _as_tensors(result: Array) -> Any:
    if isinstance(result, list | tuple):
        return type(result)(map(_as_tensors, result)) if type(result) in (list, tuple) else result
    if isinstance(result, np.ndarray | np.generic) and not isinstance(result, Box) and result.dtype.kind in "fc":
        return wrap(result, 0, None)
    return result
