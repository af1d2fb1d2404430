"""Sums, extrema and what else is combined along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.compiler.build import Builder
from wengert.compiler.graph import Value
from wengert.compiler.lower.rules import BOOL, as_value, axes_of, name_of, rule, truth

__all__: list[str] = []


def _reduced(b: Builder, kind: str, x: Value, axis: Any, keepdims: bool, value: Value) -> Value:
    made = b.reduce(kind, x, axes_of(axis, x.ndim))
    return b.reshape(made, value.shape) if keepdims else made


def _selected(b: Builder, x: Value, where: Any, neutral: Any) -> Value:
    """``x``, and ``neutral`` where ``where`` is false."""
    if where is True:
        return x
    return b.map("select", truth(b, where), x, b.number(neutral, x.dtype), shape=x.shape)


def _with_initial(b: Builder, fn: str, made: Value, initial: Any) -> Value:
    return made if initial is None else b.map(fn, made, as_value(b, initial, made.dtype), shape=made.shape)


@rule("sum", "prod")
def _sum(
    b: Builder, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, *, value: Value,
    initial: Any = None, where: Any = True, **params: Any,
) -> Value | None:  # fmt: skip
    kind = name_of(value)
    if params:
        return None
    x = _selected(b, as_value(b, x, value.dtype), where, 0 if kind == "sum" else 1)
    made = _reduced(b, kind, x, axis, keepdims, value)
    return _with_initial(b, "add" if kind == "sum" else "mul", made, initial)


@rule("max", "min")
def _extremum(
    b: Builder, x: Any, axis: Any = None, keepdims: bool = False, *, value: Value, initial: Any = None,
    where: Any = True, **params: Any,
) -> Value | None:  # fmt: skip
    x = as_value(b, x, value.dtype)
    if params or x.size == 0 or (where is not True and value.dtype.kind != "f"):
        return None
    kind = name_of(value)
    x = _selected(b, x, where, -math.inf if kind == "max" else math.inf)
    return _with_initial(b, f"{kind}imum", _reduced(b, kind, x, axis, keepdims, value), initial)


@rule("nanmax", "nanmin")
def _extremum_of_numbers(
    b: Builder, x: Any, axis: Any = None, keepdims: bool = False, *, value: Value, initial: Any = None,
    where: Any = True, **params: Any,
) -> Value | None:  # fmt: skip
    x = as_value(b, x, value.dtype)
    if params or x.size == 0:
        return None
    if value.dtype.kind != "f":
        return None if where is not True else _with_initial(
            b, f"{name_of(value)[3:]}imum", _reduced(b, name_of(value)[3:], x, axis, keepdims, value), initial
        )  # fmt: skip
    kind = name_of(value)[3:]
    worst = b.number(-math.inf if kind == "max" else math.inf, x.dtype)
    missing = b.map("isnan", x)
    found = _selected(b, b.map("select", missing, worst, x), where, worst.attrs)
    made = _reduced(b, kind, found, axis, keepdims, value)
    if where is True and initial is None:
        none = _reduced(b, "all", missing, axis, keepdims, value)
        made = b.map("select", none, b.number(math.nan, x.dtype), made)
    return _with_initial(b, f"f{kind}", made, initial)


@rule("argmax", "argmin")
def _place_of_extremum(
    b: Builder, x: Any, axis: int | None = None, out: Any = None, keepdims: bool = False, *, value: Value
) -> Value | None:
    """The first position of the extremum; a NaN is one."""
    x = as_value(b, x)
    if axis is None:
        x, axis = b.reshape(x, (x.size,)), 0
    (axis,) = axes_of(axis, x.ndim)
    if x.size == 0 or out is not None or x.dtype == BOOL:
        return None
    best = b.reduce("max" if name_of(value) == "argmax" else "min", x, (axis,))
    best = b.reshape(best, tuple([1 if i == axis else n for i, n in enumerate(x.shape)]))
    found = b.map("eq", x, best)
    if x.dtype.kind == "f":
        found = b.map("or", found, b.map("ne", x, x))
    place = b.map("select", found, b.index(x.shape, axis), b.number(x.shape[axis], np.dtype(np.int64)))
    return b.reshape(b.cast(b.reduce("min", place, (axis,)), value.dtype), value.shape)


@rule("any", "all")
def _truths(
    b: Builder, x: Any, axis: Any = None, out: Any = None, keepdims: Any = False, where: Any = True, *, value: Value
) -> Value | None:
    if out is not None or value.dtype != BOOL:
        return None
    kind = name_of(value)
    x = _selected(b, truth(b, x), where, kind == "all")
    return _reduced(b, kind, x, axis, keepdims is True, value)


@rule("count_nonzero")
def _count(b: Builder, x: Any, axis: Any = None, keepdims: bool = False, *, value: Value) -> Value | None:
    return _reduced(b, "sum", b.cast(truth(b, x), value.dtype), axis, keepdims, value)


@rule("mean")
def _mean(
    b: Builder, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, *, value: Value,
    where: Any = True, **params: Any,
) -> Value | None:  # fmt: skip
    if params or value.dtype.kind != "f":
        return None
    x = as_value(b, x, value.dtype)
    count = _number_of(b, x, axis, keepdims, where, value)
    total = _reduced(b, "sum", _selected(b, x, where, 0), axis, keepdims, value)
    return b.map("div", total, count, shape=value.shape)


def _number_of(b: Builder, x: Value, axis: Any, keepdims: bool, where: Any, value: Value) -> Value:
    """How many elements there are along axes."""
    if where is True:
        return b.number(math.prod([x.shape[i] for i in axes_of(axis, x.ndim)]), x.dtype)
    ones = b.cast(b.broadcast(truth(b, where), x.shape), x.dtype)
    return _reduced(b, "sum", ones, axis, keepdims, value)


@rule("var", "std")
def _variance(
    b: Builder, x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False, *, value: Value,
    where: Any = True, **params: Any,
) -> Value | None:  # fmt: skip
    if params or value.dtype.kind != "f":
        return None
    x = as_value(b, x, value.dtype)
    axes = axes_of(axis, x.ndim)
    kept = Value("apply", (), None, tuple([1 if i in axes else n for i, n in enumerate(x.shape)]), x.dtype)
    mean = b.map("div", *[
        _reduced(b, "sum", _selected(b, x, where, 0), axis, True, kept), _number_of(b, x, axis, True, where, kept),
    ])  # fmt: skip
    centred = b.map("sub", x, mean)
    total = _reduced(b, "sum", _selected(b, b.map("mul", centred, centred), where, 0), axis, keepdims, value)
    count = _number_of(b, x, axis, keepdims, where, value)
    zero = b.number(0, x.dtype)
    count = b.map("maximum", b.map("sub", count, b.number(ddof, x.dtype)), zero) if ddof else count
    variance = b.map("div", total, count, shape=value.shape)
    return b.map("sqrt", variance) if name_of(value) == "std" else variance


@rule("length")
def _length(b: Builder, x: Any, axis: Any = None, keepdims: bool = False, *, value: Value) -> Value | None:
    x = as_value(b, x, value.dtype)
    return b.map("sqrt", _reduced(b, "sum", b.map("mul", x, x), axis, keepdims, value))


@rule("trace")
def _trace(
    b: Builder, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *, value: Value, **params: Any
) -> Value | None:
    if params:
        return None
    diagonal = b.through(as_value(b, x, value.dtype), lambda m: np.diagonal(m, offset, axis1, axis2))
    return b.reduce("sum", diagonal, (diagonal.ndim - 1,))
