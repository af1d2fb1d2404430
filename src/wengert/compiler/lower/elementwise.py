"""Functions of each element that are one scalar function, or nearly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.compiler.build import Builder, is_native
from wengert.compiler.graph import Value
from wengert.compiler.lower.rules import BOOL, as_value, name_of, rule, truth
from wengert.core.op import Op

__all__ = ["ELEMENTWISE", "elementwise"]

ELEMENTWISE: dict[str, str] = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "negative": "neg", "absolute": "abs",
    "fabs": "abs", "sqrt": "sqrt", "cbrt": "cbrt", "power": "pow", "float_power": "pow", "remainder": "remainder",
    "floor_divide": "floor_divide", "fmod": "fmod", "copysign": "copysign", "exp": "exp", "exp2": "exp2",
    "expm1": "expm1", "log": "log", "log2": "log2", "log10": "log10", "log1p": "log1p", "logaddexp": "logaddexp",
    "maximum": "maximum", "minimum": "minimum", "fmax": "fmax", "fmin": "fmin", "sin": "sin", "cos": "cos",
    "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "hypot": "hypot",
    "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint", "equal": "eq", "not_equal": "ne", "less": "lt",
    "less_equal": "le", "greater": "gt", "greater_equal": "ge", "isfinite": "isfinite", "isinf": "isinf",
    "isnan": "isnan", "signbit": "signbit", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor",
    "invert": "not", "sign": "sign",
}  # fmt: skip
"""The scalar function of each operation that is one."""

_OF_NUMBERS = frozenset({"pow", "cbrt", "hypot", "logaddexp", "atan2", "copysign"})
"""Functions of floating-point numbers only."""

_ROUNDING = frozenset({"abs", "floor", "ceil", "trunc", "rint"})
_OF_TRUTHS = {"add": "or", "mul": "and", "maximum": "or", "minimum": "and"}
"""What arithmetic is for booleans."""


def elementwise(b: Builder, op: Op, args: Sequence[Any], value: Value) -> Value | None:
    """A scalar function of operands of the dtype that NumPy would convert them to."""
    ufunc: Any = op.fun
    kinds = [_loop_kind(x) for x in args]
    *wanted, out = ufunc.resolve_dtypes((*kinds, None))
    if out != value.dtype:  # Python's numbers among the inputs
        kinds = [_NUMBERS.get(x.dtype.kind, k) if isinstance(x, Value) and not x.shape else k
                 for x, k in zip(args, kinds, strict=True)]  # fmt: skip
        *wanted, out = ufunc.resolve_dtypes((*kinds, None))
    fn, kind = ELEMENTWISE[op.name], wanted[0].kind
    if not all([is_native(d) for d in (*wanted, out)]) or (fn in _OF_NUMBERS and kind != "f"):
        return _integer_power(b, args, wanted[0], value) if fn == "pow" and kind in "iu" else None
    if fn in _ROUNDING and kind in "bu":
        return as_value(b, args[0], out)
    if kind == "b":
        fn = _OF_TRUTHS.get(fn, fn)
        if fn in ("sub", "sign"):
            return None
    if fn == "sign" and kind == "u":
        x = as_value(b, args[0], out)
        return b.cast(b.map("ne", x, b.number(0, out)), out)
    xs = [as_value(b, x, d) for x, d in zip(args, wanted, strict=True)]
    return b.map(fn, *xs, shape=value.shape)


_NUMBERS: dict[str, Any] = {"i": int, "f": float, "c": complex}


def _loop_kind(x: Any) -> Any:
    return x.dtype if isinstance(x, Value | np.ndarray | np.generic) else type(x) if type(x) is not bool else BOOL


_LARGEST_POWER = 64


def _integer_power(b: Builder, args: Sequence[Any], dtype: np.dtype[Any], value: Value) -> Value | None:
    """A whole number to a small power: products of its squares."""
    x, n = args
    if isinstance(n, Value) or np.ndim(n) or not 0 <= int(n) <= _LARGEST_POWER:
        return None
    square, n = as_value(b, x, dtype), int(n)
    power = b.broadcast(b.number(1, dtype), square.shape)
    while n:
        power = b.map("mul", power, square) if n & 1 else power
        square, n = b.map("mul", square, square), n >> 1
    return b.broadcast(power, value.shape)


@rule("positive", "real", "conjugate")
def _same(b: Builder, x: Any, *, value: Value, **params: Any) -> Value | None:
    return as_value(b, x, value.dtype)


@rule("copy", "ascontiguousarray", "stop_gradient")
def _copy(b: Builder, x: Any, *, value: Value, **params: Any) -> Value | None:
    return as_value(b, x)


@rule("astype")
def _astype(b: Builder, x: Any, dtype: Any, order: Any = "K", *, value: Value) -> Value | None:
    return as_value(b, x, value.dtype)


@rule("imag")
def _imag(b: Builder, x: Any, *, value: Value) -> Value | None:
    return b.broadcast(b.number(0, value.dtype), value.shape)


@rule("square")
def _square(b: Builder, x: Any, *, value: Value) -> Value | None:
    x = as_value(b, x, value.dtype)
    return b.map("mul", x, x)


@rule("reciprocal")
def _reciprocal(b: Builder, x: Any, *, value: Value) -> Value | None:
    return b.map("div", b.number(1, value.dtype), as_value(b, x, value.dtype)) if value.dtype.kind == "f" else None


@rule("deg2rad", "radians")
def _radians(b: Builder, x: Any, *, value: Value) -> Value | None:
    return b.map("mul", as_value(b, x, value.dtype), b.number(math.pi / 180, value.dtype))


@rule("rad2deg", "degrees")
def _degrees(b: Builder, x: Any, *, value: Value) -> Value | None:
    return b.map("mul", as_value(b, x, value.dtype), b.number(180 / math.pi, value.dtype))


@rule("where")
def _where(b: Builder, condition: Any, x: Any, y: Any, *, value: Value) -> Value | None:
    return b.map("select", truth(b, condition), *[as_value(b, z, value.dtype) for z in (x, y)], shape=value.shape)


@rule("clip")
def _clip(b: Builder, a: Any, a_min: Any, a_max: Any, *, value: Value) -> Value | None:
    x = as_value(b, a, value.dtype)
    if a_min is not None:
        x = b.map("maximum", x, as_value(b, a_min, value.dtype))
    if a_max is not None:
        x = b.map("minimum", x, as_value(b, a_max, value.dtype))
    return b.broadcast(x, value.shape)


@rule("logical_and", "logical_or", "logical_xor")
def _logical(b: Builder, x: Any, y: Any, *, value: Value) -> Value | None:
    return b.map(name_of(value).removeprefix("logical_"), truth(b, x), truth(b, y), shape=value.shape)


@rule("logical_not")
def _logical_not(b: Builder, x: Any, *, value: Value) -> Value | None:
    return b.map("not", truth(b, x))


@rule("left_shift", "right_shift")
def _shift(b: Builder, x: Any, n: Any, *, value: Value) -> Value | None:
    if isinstance(n, Value) or np.ndim(n) or not 0 <= int(n) < 8 * value.dtype.itemsize or value.dtype.kind == "b":
        return None
    fn = "shl" if name_of(value) == "left_shift" else "shr"
    return b.map(fn, as_value(b, x, value.dtype), b.number(n, value.dtype))


@rule("zeros_like", "ones_like")
def _like(b: Builder, x: Any, *, value: Value, **params: Any) -> Value | None:
    return b.broadcast(b.number(1 if name_of(value) == "ones_like" else 0, value.dtype), value.shape)


@rule("fill")
def _fill(b: Builder, x: Any, layout: Any, *, value: Value) -> Value | None:
    x = as_value(b, x, value.dtype)
    while x.ndim > value.ndim:
        x = b.reshape(x, x.shape[1:])
    return b.broadcast(x, value.shape)
