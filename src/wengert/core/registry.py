"""Where NumPy's functions are looked up: which operation, or which composition of operations, stands for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.op import Op

__all__ = ["ALONE", "FUNCTIONS", "OPS", "UFUNCS", "UFUNC_METHODS", "register", "register_function", "register_ufunc"]

OPS: dict[str, Op] = {}
"""Every operation of the table, by name."""

UFUNCS: dict[np.ufunc, Op] = {}
"""The operation behind each ufunc."""

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""For each function of NumPy's (ufuncs that are compositions included), what to call when an argument is boxed."""

ALONE: dict[Callable[..., Any], Op] = {}
"""Those of the functions that, called with one array alone, are one operation: the way to them can be short."""

UFUNC_METHODS: dict[str, Callable[..., Any]] = {}
"""What to call for a ufunc's method (``reduce``, ``outer``, ...) as ``implementation(ufunc, *args, **kwargs)``."""


def register(op: Op) -> Op:
    """Enter an operation into the table; a second one of the same name is a mistake."""
    if op.name in OPS:
        raise ValueError(f"The operation {op.name!r} is already in the table.")
    OPS[op.name] = op
    return op


def register_ufunc(ufunc: np.ufunc, op: Op) -> Op:
    """Let ``op`` answer for ``ufunc``."""
    UFUNCS[ufunc] = op
    return op


def register_function(function: Callable[..., Any], implementation: Callable[..., Any]) -> None:
    """Let ``implementation``, of the same signature, answer for NumPy's ``function``."""
    FUNCTIONS[function] = implementation
