"""The scalar functions that kernels are made of: their names, and what they compute, stated by NumPy.

Functions of numbers take operands of one dtype, the result's; ``cast`` converts. Comparisons and tests give booleans;
``select`` takes a boolean and two numbers. All agree with NumPy's functions at special values, and in rounding up to
1.5 units in the last place where they are not exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["BITWISE", "EXACT", "FUNCTIONS", "TESTS", "TRANSCENDENTAL"]

Evaluate = Callable[..., Any]


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)


def _softplus(x: Any) -> Any:
    return np.logaddexp(x, x.dtype.type(0))


def _special(name: str) -> Evaluate:
    def evaluate(x: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(x)

    return evaluate


EXACT: Mapping[str, Evaluate] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide, "neg": np.negative,
    "abs": np.absolute, "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "rint": np.rint,
    "maximum": np.maximum, "minimum": np.minimum, "fmax": np.fmax, "fmin": np.fmin, "copysign": np.copysign,
    "sign": np.sign, "floor_divide": np.floor_divide, "remainder": np.remainder, "fmod": np.fmod,
    "select": np.where,
}  # fmt: skip
"""Arithmetic, exactly rounded. ``floor_divide`` and ``remainder`` of integers divided by 0 give 0, as NumPy's do."""

TRANSCENDENTAL: Mapping[str, Evaluate] = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2, "log10": np.log10,
    "log1p": np.log1p, "tanh": np.tanh, "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "atan2": np.arctan2, "cbrt": np.cbrt, "pow": np.power, "hypot": np.hypot,
    "logaddexp": np.logaddexp, "sigmoid": _sigmoid, "softplus": _softplus, "erf": _special("erf"),
    "erfc": _special("erfc"),
}  # fmt: skip
"""Functions of the vector-math module, of float32 and float64."""

TESTS: Mapping[str, Evaluate] = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit,
}  # fmt: skip
"""Functions whose value is a boolean."""

BITWISE: Mapping[str, Evaluate] = {
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.invert,
    "shl": np.left_shift, "shr": np.right_shift,
}  # fmt: skip
"""Functions of integers and (but for the shifts) of booleans."""

FUNCTIONS: Mapping[str, Evaluate] = {**EXACT, **TRANSCENDENTAL, **TESTS, **BITWISE}
"""Every scalar function but ``cast``, which converts as ``astype`` does."""
