"""Rules for the shapes and dtypes of results, for operations whose results are quicker described than computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from wengert._types import Params, Shape
from wengert.compiler.abstract import Abstract, Dtype, dtype_of, fresh, rule, scalar_or_fresh
from wengert.core.aliasing import blank
from wengert.core.registry import OPS

__all__: list[str] = []


def _array(x: Any) -> Any:
    """A model with a shape: of a Python number, or the type of one, that of NumPy's scalar."""
    if isinstance(x, np.ndarray | np.generic):
        return x
    return np.asarray(x(0) if type(x) is type else x)[()]


# Reductions


def _reduced(shape: Shape, axis: Any, keepdims: bool) -> Shape:
    if axis is None and not keepdims:
        return ()
    axes = range(len(shape)) if axis is None else normalize_axis_tuple(axis, len(shape))
    if keepdims:
        return tuple([1 if i in axes else n for i, n in enumerate(shape)])
    return tuple([n for i, n in enumerate(shape) if i not in axes])


def _reduction(params: Params, arrays: Sequence[Any], name: str) -> Abstract:
    x = _array(arrays[0])
    axis, keepdims = params.get("axis"), bool(params.get("keepdims", False))
    dtype = _reduced_dtype(name, x.dtype, params.get("dtype"))
    return scalar_or_fresh(_reduced(x.shape, axis, keepdims), dtype)


_REDUCED: dict[tuple[str, Dtype, Any], Dtype] = {}


def _reduced_dtype(name: str, dtype: Dtype, wanted: Any) -> Dtype:
    key = (name, dtype, wanted)
    if key not in _REDUCED:
        kwargs = {} if wanted is None else {"dtype": wanted}
        _REDUCED[key] = np.asarray(OPS[name].fun(np.ones(2, dtype), **kwargs)).dtype
    return _REDUCED[key]


for _name in (
    "sum", "mean", "max", "min", "prod", "any", "all", "argmax", "argmin", "var", "std", "count_nonzero", "nanmax",
    "nanmin", "nanargmax", "nanargmin", "logaddexp.reduce", "logaddexp2.reduce",
):  # fmt: skip
    if _name in OPS:
        rule(_name)(lambda params, arrays, name=_name: _reduction(params, arrays, name))  # type: ignore[misc]


def _running(params: Params, arrays: Sequence[Any], name: str) -> Abstract:
    x = _array(arrays[0])
    axis, dtype = params.get("axis"), _running_dtype(name, x.dtype, params.get("dtype"))
    return fresh((x.size,) if axis is None else x.shape, dtype)


def _running_dtype(name: str, dtype: Dtype, wanted: Any) -> Dtype:
    key = (name, dtype, wanted)
    if key not in _REDUCED:
        _REDUCED[key] = OPS[name].fun(np.ones(2, dtype), axis=0, dtype=wanted).dtype
    return _REDUCED[key]


for _name in ("cumsum", "cumprod"):
    rule(_name)(lambda params, arrays, name=_name: _running(params, arrays, name))  # type: ignore[misc]


# Products


def _product_dtype(a: Any, b: Any) -> Dtype:
    if a.dtype is b.dtype and a.dtype.kind in "fc":
        return a.dtype
    return dtype_of("product", np.matmul, [np.ones(1, x.dtype) for x in (a, b)])


@rule("matmul")
def _matmul(params: Params, arrays: Sequence[Any]) -> Abstract:
    a, b = arrays
    if params:
        return _generalized(np.matmul, params, arrays)
    inner, of = a.shape[-1], b.shape[-2 if b.ndim > 1 else 0]
    if inner != of:
        np.matmul(a, b)  # raises
    if a.ndim == 2 == b.ndim:
        return fresh((a.shape[0], b.shape[1]), _product_dtype(a, b))
    shape = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *a.shape[-2:-1], *(b.shape[-1:] if b.ndim > 1 else ()))
    return scalar_or_fresh(shape, _product_dtype(a, b))


def _generalized(ufunc: np.ufunc, params: Params, arrays: Sequence[Any]) -> Abstract:
    y = ufunc(*arrays, **params)
    return Abstract(y.shape, y.dtype, y)


@rule("dot")
def _dot(params: Params, arrays: Sequence[Any]) -> Abstract:
    a, b = map(_array, arrays)
    if not a.ndim or not b.ndim:
        return scalar_or_fresh(a.shape or b.shape, _product_dtype(a, b))
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        np.dot(a, b)  # raises
    return scalar_or_fresh((*a.shape[:-1], *b.shape[:-2], *(b.shape[-1:] if b.ndim > 1 else ())), _product_dtype(a, b))


@rule("inner")
def _inner(params: Params, arrays: Sequence[Any]) -> Abstract:
    a, b = map(_array, arrays)
    if not a.ndim or not b.ndim:
        return scalar_or_fresh(a.shape or b.shape, _product_dtype(a, b))
    if a.shape[-1] != b.shape[-1]:
        np.inner(a, b)  # raises
    return scalar_or_fresh((*a.shape[:-1], *b.shape[:-1]), _product_dtype(a, b))


@rule("outer")
def _outer(params: Params, arrays: Sequence[Any]) -> Abstract:
    a, b = map(_array, arrays)
    return fresh((a.size, b.size), _product_dtype(a, b))


@rule("vdot")
def _vdot(params: Params, arrays: Sequence[Any]) -> Abstract:
    a, b = map(_array, arrays)
    if a.size != b.size:
        np.vdot(a, b)  # raises
    return scalar_or_fresh((), _product_dtype(a, b))


@rule("tensordot")
def _tensordot(params: Params, arrays: Sequence[Any]) -> Abstract:
    a, b = map(_array, arrays)
    axes = params.get("axes", 2)
    if isinstance(axes, int | np.integer):
        first, second = range(a.ndim - axes, a.ndim), range(axes)
    else:
        first, second = [np.atleast_1d(x).tolist() for x in axes]
    ours, theirs = [i % a.ndim for i in first], [i % b.ndim for i in second]
    if [a.shape[i] for i in ours] != [b.shape[i] for i in theirs]:
        np.tensordot(a, b, axes)  # raises
    shape = (
        *[n for i, n in enumerate(a.shape) if i not in ours],
        *[n for i, n in enumerate(b.shape) if i not in theirs],
    )
    return Abstract(shape, (dtype := _product_dtype(a, b)), np.empty(shape, dtype))


@rule("einsum", "einsum_of_diagonals")
def _einsum(params: Params, arrays: Sequence[Any]) -> Abstract:
    subscripts = params.get("subscripts")
    operands = [_array(x) for x in arrays]
    dtype = np.result_type(*[x.dtype for x in operands])
    if (
        type(subscripts) is not str
        or "." in subscripts
        or "->" not in subscripts
        or params.keys() - {"subscripts", "optimize"}
    ):
        y = OPS["einsum"].fun(*operands, **params)
        return Abstract(y.shape, y.dtype, y)
    terms, _, result = subscripts.replace(" ", "").partition("->")
    lengths: dict[str, int] = {}
    for term, x in zip(terms.split(","), operands, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            if n != 1 or letter not in lengths:
                lengths[letter] = n
    return scalar_or_fresh(tuple([lengths[letter] for letter in result]), dtype)


# The same elements elsewhere


def _joined_dtype(arrays: Sequence[Any], params: Params) -> Dtype:
    wanted = params.get("dtype")
    return np.result_type(*[x.dtype for x in arrays]) if wanted is None else np.dtype(wanted)


@rule("concatenate")
def _concatenate(params: Params, arrays: Sequence[Any]) -> Abstract:
    parts = [_array(x) for x in arrays]
    axis = params.get("axis", 0)
    dtype = _joined_dtype(parts, params)
    if axis is None:
        return fresh((sum([x.size for x in parts]),), dtype)
    shape = list(parts[0].shape)
    axis = normalize_axis_index(axis, len(shape))
    for x in parts[1:]:
        if x.ndim != len(shape) or any(
            [n != m for i, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if i != axis]
        ):
            np.concatenate(parts, axis)  # raises
    shape[axis] = sum([x.shape[axis] for x in parts])
    return fresh(tuple(shape), dtype)


@rule("stack")
def _stack(params: Params, arrays: Sequence[Any]) -> Abstract:
    parts = [_array(x) for x in arrays]
    if len({x.shape for x in parts}) > 1:
        np.stack(parts)  # raises
    axis = normalize_axis_index(params.get("axis", 0), parts[0].ndim + 1)
    shape = parts[0].shape
    return fresh((*shape[:axis], len(parts), *shape[axis:]), _joined_dtype(parts, params))


@rule("where")
def _where(params: Params, arrays: Sequence[Any]) -> Abstract:
    condition = arrays[0]
    dtype = dtype_of("where", lambda a, b: np.where(True, a, b), arrays[1:])
    shapes = [x.shape for x in (condition, *arrays[1:]) if isinstance(x, np.ndarray | np.generic)]
    shape = np.broadcast_shapes(*shapes)
    return Abstract(shape, dtype, np.empty(shape, dtype))


@rule("fill")
def _fill(params: Params, arrays: Sequence[Any]) -> Abstract:
    shape, dtype, order = params["layout"]
    np.broadcast_to(np.empty(shape_of(arrays[0])), (*(1,) * max(0, np.ndim(_array(arrays[0])) - len(shape)), *shape))
    return Abstract(shape, dtype, blank(shape, dtype, order))


def shape_of(x: Any) -> Shape:
    """The shape of a model."""
    return _array(x).shape


@rule("astype")
def _astype(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = _array(arrays[0])
    dtype = np.dtype(params["dtype"])
    return Abstract(
        x.shape, dtype, np.empty_like(x, dtype, params.get("order", "K"))[() if isinstance(x, np.generic) else ...]
    )


@rule("stop_gradient")
def _stop_gradient(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = _array(arrays[0])
    return scalar_or_fresh(x.shape, x.dtype)


@rule("copy")
def _copy(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = np.asarray(_array(arrays[0]))
    return Abstract(x.shape, x.dtype, np.empty_like(x, order=params.get("order", "K")))


@rule("take")
def _take(params: Params, arrays: Sequence[Any]) -> Abstract:
    y = OPS["take"].fun(*arrays, **params)
    return Abstract(y.shape, y.dtype, y)


@rule("tril", "triu")
def _triangle(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = _array(arrays[0])
    return fresh(x.shape if x.ndim > 1 else 2 * x.shape, x.dtype)


@rule("roll")
def _roll(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = _array(arrays[0])
    return fresh(x.shape, x.dtype)


@rule("repeat")
def _repeat(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = _array(arrays[0])
    axis = params["axis"] % x.ndim
    return fresh((*x.shape[:axis], x.shape[axis] * params["repeats"], *x.shape[axis + 1 :]), x.dtype)


@rule("tile")
def _tile(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = _array(arrays[0])
    reps = params["reps"]
    reps = tuple(reps) if np.ndim(reps) else (reps,)
    ndim = max(x.ndim, len(reps))
    shape = [
        n * r for n, r in zip((*(1,) * (ndim - x.ndim), *x.shape), (*(1,) * (ndim - len(reps)), *reps), strict=True)
    ]
    return fresh(tuple([int(n) for n in shape]), x.dtype)


@rule("trace")
def _trace(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = arrays[0]
    ours = [params.get("axis1", 0) % x.ndim, params.get("axis2", 1) % x.ndim]
    shape = tuple([n for i, n in enumerate(x.shape) if i not in ours])
    kind = np.trace(np.ones((1, 1), x.dtype), dtype=params.get("dtype")).dtype
    return scalar_or_fresh(shape, kind)


@rule("zeros_like", "ones_like", "empty_like")
def _likes(params: Params, arrays: Sequence[Any]) -> Abstract:
    options = {name: params[name] for name in ("dtype", "order", "shape") if params.get(name) is not None}
    y = np.empty_like(np.asarray(_array(arrays[0])), **options)
    return Abstract(y.shape, y.dtype, y)


@rule("argsort", "argpartition", "partition")
def _positions(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = np.asarray(_array(arrays[0]))
    shape = (x.size,) if params.get("axis", -1) is None else x.shape
    return Abstract(shape, np.dtype(np.intp), np.empty(shape, np.intp))


@rule("searchsorted")
def _searchsorted(params: Params, arrays: Sequence[Any]) -> Abstract:
    return scalar_or_fresh(shape_of(arrays[1]), np.dtype(np.intp))


@rule("pad")
def _pad(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = arrays[0]
    return fresh(
        tuple([n + before + after for n, (before, after) in zip(x.shape, params["width"], strict=True)]), x.dtype
    )


@rule("from_parts")
def _from_parts(params: Params, arrays: Sequence[Any]) -> Abstract:
    real, imag = map(_array, arrays)
    dtype = np.result_type(real.dtype, imag.dtype, np.complex64)
    return scalar_or_fresh(np.broadcast_shapes(real.shape, imag.shape), dtype)


@rule("length")
def _length(params: Params, arrays: Sequence[Any]) -> Abstract:
    x = arrays[0]
    kind = OPS["length"].fun(np.ones(1, x.dtype)).dtype
    return scalar_or_fresh(_reduced(x.shape, params.get("axis"), bool(params.get("keepdims"))), kind)
