"""Functions of each element that the table or NumPy computes by a formula."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.compiler.build import Builder
from wengert.compiler.graph import Value
from wengert.compiler.lower.rules import as_value, rule
from wengert.compiler.lower.written import formula, rule_of
from wengert.core.registry import OPS

__all__: list[str] = []

for _name in (
    "sec", "csc", "cot", "sech", "csch", "coth", "arcsec", "arccsc", "arccot", "arcsech", "arccsch", "arccoth",
    "size_to_power", "signed_size_to_power", "spherical_bessel",
):  # fmt: skip
    rule(_name)(rule_of(OPS[_name].fun))


@formula("ratio", "side_over_length")
def _ratio(x: Any, by: Any) -> Any:
    return x / np.where(by == 0, np.inf, by)


@formula("sinc")
def _sinc(x: Any) -> Any:
    y = math.pi * np.where(x == 0, 1e-20, x)
    return np.sin(y) / y


@formula("heaviside")
def _heaviside(x: Any, at_zero: Any) -> Any:
    return np.where(x == 0, at_zero, np.where(x < 0, 0.0, np.where(x > 0, 1.0, x)))


@formula("logaddexp2")
def _logaddexp2(x: Any, y: Any) -> Any:
    distance = np.where(x == y, 0.0, np.abs(x - y))  # also of equal infinities
    return np.maximum(x, y) + np.log1p(np.exp2(-distance)) / math.log(2)


@formula("logaddexp.reduce")
def _logarithm_of_sum(x: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    return _log_of_sum(x, axis, keepdims, np.exp, np.log)


@formula("logaddexp2.reduce")
def _logarithm_of_sum_to_base_two(x: Any, axis: Any = 0, keepdims: bool = False) -> Any:
    return _log_of_sum(x, axis, keepdims, np.exp2, np.log2)


def _log_of_sum(x: Any, axis: Any, keepdims: bool, exp: Any, log: Any) -> Any:
    if 0 in x.shape:
        return np.sum(x, axis=axis, keepdims=keepdims) - math.inf
    top = np.max(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0.0)
    kept = log(np.sum(exp(x - shift), axis=axis, keepdims=True)) + shift
    return kept if keepdims else np.max(kept, axis=axis)


@rule("logistic_of_difference")
def _logistic(b: Builder, x: Any, y: Any, scale: float = 1.0, *, value: Value) -> Value | None:
    if value.dtype.kind != "f":
        return None
    x, y = as_value(b, x, value.dtype), as_value(b, y, value.dtype)
    difference = b.map("select", b.map("eq", x, y), b.number(0, value.dtype), b.map("sub", x, y))  # also of infinities
    if scale != 1.0:
        difference = b.map("mul", difference, b.number(scale, value.dtype))
    return b.broadcast(b.map("sigmoid", difference), value.shape)


@rule("around", "round")
def _round(b: Builder, x: Any, decimals: int = 0, *, value: Value, **params: Any) -> Value | None:
    x = as_value(b, x, value.dtype)
    if params or value.dtype.kind != "f":
        return x if decimals >= 0 and not params else None
    if decimals == 0:
        return b.map("rint", x)
    power = b.number(10.0 ** abs(decimals), value.dtype)
    there, back = ("mul", "div") if decimals > 0 else ("div", "mul")
    return b.map(back, b.map("rint", b.map(there, x, power)), power)
