"""Shapes and dtypes of results, without their values: what tracing needs to know of an operation.

NumPy itself is asked wherever that is cheap: for dtypes, on arrays of one element; for views, on arrays that nobody has
written to. ``wengert.compiler.shapes`` has rules for the rest. Where there is none, the operation is evaluated on the
example arguments of the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert._types import NO_PARAMS, Params, Shape
from wengert.compiler.graph import Applied, Hole, Value, fill
from wengert.core.op import Op
from wengert.errors import TraceError

__all__ = ["Abstract", "Dtype", "abstract", "dtype_of", "fresh", "rule", "scalar_or_fresh"]

Dtype = np.dtype[Any]
Model = Any
"""An array, or a NumPy scalar, whose elements mean nothing; the type of Python number that a value stands for."""


class Abstract(NamedTuple):
    """A result's shape and dtype; an array laid out as it; whether it shows the memory of the first input.

    ``model`` is a NumPy scalar where NumPy would give one. ``weak`` is the type of Python number that the result is if
    all inputs are such numbers.
    """

    shape: Shape
    dtype: Dtype
    model: Any
    shows: bool = False
    weak: type | None = None


Rule = Callable[[Params, Sequence[Model]], Abstract]
_RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule for operations of these names, which is asked where no parameter is traced."""

    def enter(function: Rule) -> Rule:
        for name in names:
            _RULES[name] = function
        return function

    return enter


def abstract(
    applied: Applied, inputs: Sequence[Value], models: Sequence[Model], free: bool, example: Callable[[Value], Any]
) -> Abstract:
    """What is known of ``applied``. ``free`` says that no parameter is traced."""
    op = applied.op
    arrays = [models[a.index] if type(a) is Hole else a for a in applied.args]
    if free:
        if op.view:
            arrays = [np.zeros((), a) if type(a) is type else a for a in arrays]
            y = op.fun(*arrays, **applied.params)
            x, base = arrays[0], y.base
            return Abstract(y.shape, y.dtype, y, y is x or (base is not None and (base is x or base is x.base)))
        if op.kind == "elementwise" or (type(op.fun) is np.ufunc and op.fun.signature is None):
            return _elementwise(op, arrays, applied.params)
        known = _RULES.get(op.name)
        if known is not None:
            return known(applied.params, arrays)
    elif op.name in _BY_INDEX:
        if op.name == "getitem" and _has_mask(applied.params["index"], models):
            raise TraceError(
                "wg.jit: x[mask] has as many elements as the mask has true ones, and the mask is being traced. Keep "
                "the shape and choose with np.where(mask, x, other), or sum with np.sum(x, where=mask)."
            )
        return _BY_INDEX[op.name](op, arrays, fill(applied.params, models))
    if op.name in _DEPENDENT:
        raise depends_on_values(op.name)
    y = op.fun(*fill(applied.args, values := [example(x) for x in inputs]), **fill(applied.params, values))
    if not isinstance(y, np.ndarray | np.generic | bool | int | float | complex):
        raise depends_on_values(op.name)
    y = y if isinstance(y, np.ndarray | np.generic) else np.asarray(y)[()]
    return Abstract(y.shape, y.dtype, np.empty_like(y) if isinstance(y, np.ndarray) else y)


_DEPENDENT = frozenset({"nonzero", "flatnonzero", "argwhere", "roots"})


def depends_on_values(name: str) -> TraceError:
    """What is raised where the form of a result depends on values."""
    return TraceError(
        f"wg.jit: np.{name} gives a result whose form depends on the values of traced arrays. Compute it outside the "
        "jitted function and pass it, or mark the argument as static: wg.jit(f, static_argnums=...)."
    )


_MODELS: dict[tuple[Shape, Dtype], np.ndarray[Any, Any]] = {}
"""Models, which nobody writes to, that small arrays share."""


def model(shape: Shape, dtype: Dtype) -> np.ndarray[Any, Any]:
    """An array of any contents."""
    found = _MODELS.get((shape, dtype))
    if found is None:
        found = np.empty(shape, dtype)
        if found.size <= 4096 and len(_MODELS) < 4096:
            _MODELS[shape, dtype] = found
    return found


def fresh(shape: Shape, dtype: Dtype) -> Abstract:
    """A new array."""
    return Abstract(shape, dtype, model(shape, dtype))


def scalar_or_fresh(shape: Shape, dtype: Dtype) -> Abstract:
    """A new array; a NumPy scalar if it has no axes."""
    return Abstract(shape, dtype, model(shape, dtype)[()])


# Dtypes, found out on arrays of one element


_KNOWN: dict[Any, tuple[Dtype, type | None]] = {}
_WEAK = frozenset({
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "negative", "positive", "absolute",
})  # fmt: skip
"""Operations of Python's own numbers, which give such numbers."""


def _tiny(x: Model) -> Any:
    """An array of one element like ``x``, or a number."""
    if type(x) is type:
        return x(1)
    return np.ones(1, x.dtype) if type(x) is np.ndarray else x.dtype.type(1) if isinstance(x, np.generic) else x


def dtype_of(key: Any, fun: Callable[..., Any], arrays: Sequence[Model], params: Params = NO_PARAMS) -> Dtype:
    """The dtype of what an elementwise ``fun`` makes of arrays like these. ``key`` stands for ``fun``."""
    return _types(key, fun, arrays, params)[0]


def _types(key: Any, fun: Callable[..., Any], arrays: Sequence[Model], params: Params) -> tuple[Dtype, type | None]:
    """The dtype of a result, and the type of Python number that it is if all inputs are such numbers."""
    parts: list[Any] = [key]
    full: Any
    for x in arrays:
        kind = type(x)
        if kind is np.ndarray:
            parts.append(x.dtype)
        elif kind is type or kind is int:
            parts.append(x)
        else:
            parts.append(x.dtype if isinstance(x, np.generic) else kind)
    try:
        full = (*parts, *params.items()) if params else tuple(parts)
        known = _KNOWN.get(full)
    except TypeError:
        full, known = None, None
    if known is None:
        y = fun(*[_tiny(x) for x in arrays], **params)
        dtype = np.asarray(y).dtype
        known = dtype, complex if dtype.kind == "c" else float if dtype.kind == "f" else int
        if full is not None and len(_KNOWN) < 4096:
            _KNOWN[full] = known
    return known


def _elementwise(op: Op, arrays: Sequence[Model], params: Params) -> Abstract:
    dtype, number = _types(op, op.fun, arrays, params)
    shape: Shape | None = None
    strided = False
    for x in arrays:
        if type(x) is np.ndarray:
            ours = x.shape
            if shape is None or shape == ():
                shape = ours
            elif ours != shape and ours != ():
                shape = np.broadcast_shapes(ours, shape)
            if len(ours) > 1 and not x.flags.c_contiguous:
                strided = True
    if shape is None:
        return Abstract((), dtype, model((), dtype)[()], False, number if op.name in _WEAK else None)
    if strided:
        return Abstract(shape, dtype, _laid_out(arrays, dtype))
    if shape == ():
        return scalar_or_fresh(shape, dtype)
    return Abstract(shape, dtype, model(shape, dtype))


def _laid_out(arrays: Sequence[Model], dtype: Dtype) -> np.ndarray[Any, Any]:
    """An array as a ufunc allocates it for operands that aren't all in C order."""
    operands = [x for x in arrays if isinstance(x, np.ndarray)]
    flags: list[Any] = [["readonly"]] * len(operands) + [["writeonly", "allocate"]]
    walk = np.nditer(
        [*operands, None],
        ["zerosize_ok", "refs_ok"],
        flags,
        op_dtypes=[*[x.dtype for x in operands], dtype],
        order="K",
    )
    return walk.operands[-1]


# Indices that are traced


def _read(op: Op, arrays: Sequence[Model], params: Params) -> Abstract:
    x = arrays[0]
    if type(x) is type:
        x = np.empty((), x)
    y = x[_zeros(params["index"])]
    return Abstract(y.shape, y.dtype, y)


def _updated(op: Op, arrays: Sequence[Model], params: Params) -> Abstract:
    x = arrays[0]
    if params.get("path"):
        return Abstract(x.shape, x.dtype, x)
    return Abstract(x.shape, x.dtype, np.empty_like(x))


def _spread(op: Op, arrays: Sequence[Model], params: Params) -> Abstract:
    kinds = {v.dtype for v in arrays if not isinstance(v, type)}
    single = np.float32 if params["dtype"] == np.float16 else params["dtype"]
    return fresh(params["shape"], np.result_type(single, *kinds))


def _has_mask(index: Any, models: Sequence[Model]) -> bool:
    parts = index if type(index) is tuple else (index,)
    traced = [models[p.index] for p in parts if type(p) is Hole]
    return any([isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "b" for x in traced])


def _zeros(index: Any) -> Any:
    """An index of the same form with positions that there are in any array that isn't empty."""
    if type(index) is tuple:
        return tuple([_zeros(part) for part in index])
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu":
        return np.zeros(index.shape, np.intp)
    return 0 if isinstance(index, np.integer) or index is int else index


_BY_INDEX: dict[str, Callable[[Op, Sequence[Model], Params], Abstract]] = {
    "getitem": _read,
    "update": _updated,
    "add_at": _updated,
    "spread": _spread,
}
rule("update", "add_at")(lambda params, arrays: _updated(None, arrays, params))  # type: ignore[arg-type]
rule("spread")(lambda params, arrays: _spread(None, arrays, params))  # type: ignore[arg-type]
