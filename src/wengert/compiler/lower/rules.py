"""The table of lowerings: which rule makes primitives of which operation.

For functions of each element it is the name of a scalar function, for others a rule ``rule(b, x, ..., value=...,
**params) -> Value``, given a builder, the inputs as values or plain numbers, the value that it is to stand for, and the
parameters of the call. A rule that can't do with what it is given returns ``None``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from wengert.compiler.build import Builder
from wengert.compiler.graph import Value

__all__ = ["BOOL", "RULES", "Dtype", "Rule", "as_number", "as_value", "axes_of", "name_of", "rule", "truth"]

Rule = Callable[..., Value | None]
RULES: dict[str, Rule] = {}
"""The rule of each operation that has one, by the operation's name."""

Dtype = np.dtype[Any]
BOOL = np.dtype(bool)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Decorates the lowering of the operations of these names."""

    def enter(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return enter


def as_value(b: Builder, x: Any, dtype: Dtype | None = None) -> Value:
    """``x``, an argument of an operation, as a value of ``dtype``."""
    if not isinstance(x, Value):
        array = np.asarray(x)
        return b.number(array, dtype or array.dtype) if array.ndim == 0 else b.array(array.astype(dtype or array.dtype))
    return x if dtype is None else b.cast(x, dtype)


def truth(b: Builder, x: Any) -> Value:
    """Whether ``x`` differs from 0."""
    x = as_value(b, x)
    return x if x.dtype == BOOL else b.map("ne", x, b.number(0, x.dtype))


def as_number(b: Builder, x: Any, like: Value) -> Value:
    """The number ``x`` in the dtype of ``like``."""
    return b.number(x, like.dtype)


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes that ``axis`` names; ``None`` names all."""
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)


def name_of(value: Value) -> str:
    """The name of the operation that a value is to be computed by."""
    name: str = value.attrs.op.name
    return name
