"""The names of NumPy's functions under wengert: which object stands for each, made when one is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from wengert.arrays.functions import tensor_function
from wengert.arrays.ufuncs import ufunc_of
from wengert.core.registry import FUNCTIONS, OPS, UFUNCS
from wengert.ops.reciprocals import RECIPROCALS

__all__ = ["find", "names"]

_ROUNDING = frozenset({"around", "fix", "round"})
"""Constant functions whose results are numbers to go on computing with."""

_PLAIN = frozenset({"bincount", "ix_"})
"""Functions that are computed from others and nevertheless answer with plain arrays: of positions and counts."""


def find(module: ModuleType, name: str, owner: str = "wengert") -> Any:
    """What stands for the function ``name`` of NumPy's ``module`` in wengert's module ``owner``.

    A ufunc is an object that looks like NumPy's, a question whose answer is no tensor (``argmax``, ``allclose``,
    ``shape``) NumPy's own function, anything else a function that returns tensors and takes ``constant``. Raises
    ``AttributeError`` if NumPy has no such function or wengert no rule for it.

    >>> import numpy as np
    >>> find(np, "exp")
    <wengert-ufunc 'exp'>
    >>> find(np, "argmax") is np.argmax
    True
    """
    if name in RECIPROCALS and module is np:
        return tensor_function(RECIPROCALS[name], name, owner)
    function: Any = None if name.startswith("_") else getattr(module, name, None)
    if not _is_known(function):
        remedy = "" if function is None else f": {module.__name__}.{name} has no derivative rule in wengert"
        raise AttributeError(f"module {owner!r} has no attribute {name!r}{remedy}")
    if isinstance(function, np.ufunc):
        return function if function is np.isnat else ufunc_of(function)
    return function if _is_plain(name) else tensor_function(function, name, owner)


def names(module: ModuleType) -> list[str]:
    """The names that ``find`` knows."""
    own = RECIPROCALS if module is np else ()
    return sorted({*own, *[name for name, f in vars(module).items() if not name.startswith("_") and _is_known(f)]})


def _is_known(function: Callable[..., Any] | None) -> bool:
    return callable(function) and (function in FUNCTIONS or function in UFUNCS)


def _is_plain(name: str) -> bool:
    """Whether the answers of NumPy's function are no tensors."""
    op = OPS.get(name)
    return name in _PLAIN or (op is not None and op.is_constant and name not in _ROUNDING)
