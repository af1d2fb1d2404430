"""Arrays made from others: copies, conversions, grids, and arrays of the same shape to be written into."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array
from wengert.core.aliasing import innermost, is_traced
from wengert.core.arraymethods import converted
from wengert.core.dispatch import operand
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.ops.cases import call, drawn
from wengert.ops.entries import composite, constant, linear
from wengert.ops.shape import array_of

__all__: list[str] = []


# Arrays like another: of its level, so traced values can be written in, and leaves where a person's tensor is copied.

constant(np.zeros_like, "a dtype order subok shape", fresh=True)
constant(np.ones_like, "a dtype order subok shape", fresh=True)
constant(np.empty_like, "prototype dtype order subok shape", fresh=True)


@composite(
    np.full_like,
    samples=lambda r: [
        call(r.normal(size=(2, 3)), r.normal(size=())),
        call(r.normal(size=(2, 3)), r.normal(size=3), order="F"),
        call(r.normal(size=2), r.normal(size=3), shape=(2, 3)),
    ],
)
def _full_like(
    a: Array,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    **device: Any,
) -> Array:
    y = np.empty_like(a, dtype, order, subok, shape, **device)
    np.copyto(y, fill_value, casting="unsafe")
    return y


# Copies and conversions

linear(
    np.copy,
    "a order subok",
    evaluate=lambda a, order="K", subok=False: np.copy(a, order),
    a=lambda g: g,
    samples=drawn(((2, 3),), ((2, 3), "F"), ((), {"order": "C"})),
)

ASTYPE: Op = register(Op("astype", "linear", lambda x, dtype, order: x.astype(dtype, order), ("x",), (lambda g: g,)))


if hasattr(np, "astype"):  # NumPy 2.1

    @composite(np.astype, samples=drawn(((2, 3), complex), ((3,), float), ((), complex, {"copy": False})))
    def _astype(x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
        return x.astype(dtype, copy=copy)


# Grids


@composite(
    np.meshgrid,
    samples=lambda r: [
        call(r.normal(size=2), r.normal(size=3)),
        call(r.normal(size=2), r.normal(size=3), r.normal(size=2), indexing="ij"),
        call(r.normal(size=2), r.normal(size=()), sparse=True),
        call(r.normal(size=3), copy=False),
    ],
)
def _meshgrid(*xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}.")
    arrays = [array_of(x) for x in xi]
    places = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        places[:2] = [1, 0]
    shapes = [[-1 if i == place else 1 for i in range(len(places))] for place in places]
    made = tuple([np.reshape(x, shape) for x, shape in zip(arrays, shapes, strict=True)])
    if not sparse:
        made = np.broadcast_arrays(*made)
    return tuple([np.copy(x, "C") for x in made]) if copy else made


@composite(np.ix_, samples=lambda r: [call(r.normal(size=2), r.normal(size=3)), call(r.normal(size=2))])
def _ix(*args: Array) -> tuple[Array, ...]:
    made = []
    for k, x in enumerate(map(operand, args)):
        if x.ndim != 1:
            raise ValueError(f"np.ix_ takes arrays with one axis; the shape of argument {k} is {x.shape}.")
        x = np.flatnonzero(x) if x.dtype.kind == "b" else x
        made.append(np.reshape(x, [-1 if i == k else 1 for i in range(len(args))]))
    return tuple(made)


@composite(np.vander, samples=drawn(((3,),), ((3,), 2), ((2,), {"increasing": True, "N": 4}), ((2,), 0)))
def _vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    if x.ndim != 1:
        raise ValueError(f"vander takes an array with one axis; its shape is {x.shape}.")
    x = converted(x, np.promote_types(x.dtype, int), copy=False)
    powers: list[Array] = [np.ones(x.shape, x.dtype)]
    for _ in range(1, x.size if N is None else N):
        powers.append(powers[-1] * x)
    made = np.stack(powers, axis=1)[:, : x.size if N is None else N]
    return made if increasing else np.flip(made, 1)


@composite(
    np.linspace,
    samples=lambda r: [
        call(r.normal(size=()), r.normal(size=()), 4),
        call(r.normal(size=2), r.normal(size=2), num=3, axis=1),
        call(r.normal(size=2), r.normal(size=()), 3, False),
        call(r.normal(size=()), r.normal(size=()), 3, retstep=True),
        call(r.normal(size=()), r.normal(size=()), 1),
        call(r.normal(size=()), 2.0, 0),
    ],
)
def _linspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    if num < 0:
        raise ValueError(f"linspace: num={num} samples; it can't be negative.")
    start, stop = [x if type(x) in (int, float, complex) else x * 1.0 for x in map(operand, (start, stop))]
    parts = num - 1 if endpoint else num
    delta = stop - start
    counts = np.arange(num, dtype=delta.dtype).reshape((-1,) + (1,) * delta.ndim)
    step = delta / parts if parts > 0 else delta * np.nan
    y = counts * (step if parts > 0 else delta) + start
    if endpoint and num > 1:
        end = np.broadcast_to(array_of(stop), delta.shape)[None]
        y = np.concatenate([y[:-1], end], dtype=y.dtype)
    y = np.moveaxis(y, 0, axis)
    if dtype is not None and np.dtype(dtype) != y.dtype:
        y = converted((np.floor(y) if np.dtype(dtype).kind in "iu" else y), dtype)
    return (y, step) if retstep else y


@composite(
    np.logspace,
    samples=lambda r: [
        call(r.normal(size=()), r.normal(size=()), 3),
        call(r.uniform(0.5, 1.0, 2), 0.5, 3, False, r.uniform(1.0, 3.0, 2), axis=-1),
        call(0.0, 2.0, 3, True, np.array(3.0)),
    ],
)
def _logspace(
    start: Array,
    stop: Array,
    num: int = 50,
    endpoint: bool = True,
    base: Array = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Array:
    base = operand(base)
    if np.ndim(base) > 0:
        ndim = max([np.ndim(start), np.ndim(stop), np.ndim(base)])
        start, stop, base = [np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x)) for x in (start, stop, base)]
        base = np.expand_dims(base, axis)
    y = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else converted(y, dtype)


@composite(
    np.geomspace,
    samples=lambda r: [
        call(r.uniform(1.0, 3.0, ()), r.uniform(1.0, 9.0, ()), 4),
        call(-r.uniform(1.0, 3.0, 2), np.array(-7.0), 3, endpoint=False, axis=-1),
        call(r.uniform(1.0, 3.0, 2), r.uniform(1.0, 9.0, 2), num=2),
    ],
)
def _geomspace(
    start: Array, stop: Array, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Array:
    kind = np.result_type(array_of(start).dtype, array_of(stop).dtype, np.float64)
    start, stop = np.broadcast_arrays(converted(array_of(start), kind), converted(array_of(stop), kind))
    signs = np.sign(innermost(start))
    if signs.dtype.kind == "c" or (
        not (is_traced(start) or is_traced(stop)) and np.any(signs * np.sign(innermost(stop)) != 1)
    ):
        raise ValueError("geomspace takes real numbers here, none of them zero, start and stop of the same sign.")
    y = signs * np.power(10.0, np.linspace(np.log10(signs * start), np.log10(signs * stop), num, endpoint))
    rest = y[1:-1] if endpoint and num > 1 else y[1:]
    y = np.concatenate([start[None][:num], rest, stop[None][: num - 1 if endpoint else 0]])
    y = np.moveaxis(y, 0, axis)
    return y if dtype is None else converted(y, dtype)
