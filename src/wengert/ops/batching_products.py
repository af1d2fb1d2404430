"""How products with sums in them work on a batch: as large products, wherever a factor is the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from wengert._types import Array, Params
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.core.registry import OPS
from wengert.ops.batching import BATCHING, Rule, aligned, batch_rule, one_by_one, pointwise

__all__: list[str] = []


@batch_rule("matmul")
def _matmul(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    if params:
        return one_by_one(op, xs, mapped, params, count)
    a, b = xs
    a_ndim, b_ndim = [np.ndim(x) - m for x, m in zip(xs, mapped, strict=True)]
    if a_ndim == 0 or b_ndim == 0:
        raise ValueError("matmul: a factor has no axes. Write a * b for a product with a number.")
    if a_ndim == 1 and b_ndim == 1:
        return np.vecdot(np.conjugate(a) if a.dtype.kind == "c" else a, b)
    if not mapped[1] and b_ndim <= 2:
        if a_ndim == 2 == b_ndim and a.size:  # one large product is quicker than many small ones
            return np.reshape(np.reshape(a, (-1, a.shape[2])) @ b, (count, a.shape[1], b.shape[1]))
        return a @ b
    if not mapped[0] and b_ndim == 1:  # of the other, each example is a row
        return b @ (a.T if a_ndim == 2 else np.swapaxes(a, -1, -2)) if a_ndim == 2 else _rows_times(a, b)
    rows = np.expand_dims(a, -2) if a_ndim == 1 else a
    columns = np.expand_dims(b, -1) if b_ndim == 1 else b
    ndim = max(a_ndim, b_ndim, 2)
    y = (aligned(rows, ndim) if mapped[0] else rows) @ (aligned(columns, ndim) if mapped[1] else columns)
    if a_ndim == 1 or b_ndim == 1:
        shape = [
            n for i, n in enumerate(y.shape, -y.ndim) if not ((i == -2 and a_ndim == 1) or (i == -1 and b_ndim == 1))
        ]
        y = np.reshape(y, shape)
    return y


def _rows_times(a: Array, b: Array) -> Array:
    """Stacks of matrices, the same for all examples, times a vector for each."""
    vectors = np.reshape(b, (b.shape[0], *(1,) * (a.ndim - 2), b.shape[1], 1))
    y = a @ vectors
    return np.reshape(y, y.shape[:-1])


def _stacks(a_core: int, b_core: int) -> Rule:
    """The rule of a product of stacks of vectors (1) and matrices (2) in the last axes."""

    def rule(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
        if params:
            return one_by_one(op, xs, mapped, params, count)
        stack = max([np.ndim(x) - m - core for x, m, core in zip(xs, mapped, (a_core, b_core), strict=True)])
        return apply(op, [
            aligned(x, stack + core) if m else x for x, m, core in zip(xs, mapped, (a_core, b_core), strict=True)
        ])  # fmt: skip

    return rule


BATCHING["vecdot"] = _stacks(1, 1)
if hasattr(np, "matvec"):  # since NumPy 2.2
    BATCHING.update(matvec=_stacks(2, 1), vecmat=_stacks(1, 2))


@batch_rule("dot")
def _dot(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    a_ndim, b_ndim = [np.ndim(x) - m for x, m in zip(xs, mapped, strict=True)]
    if a_ndim == 0 or b_ndim == 0:
        return pointwise(OPS["multiply"], xs, mapped, {}, count)
    if b_ndim == 1 or (a_ndim <= 2 and b_ndim <= 2):
        return _matmul(OPS["matmul"], xs, mapped, {}, count)
    return _contracted(xs, mapped, [a_ndim - 1], [b_ndim - 2])


@batch_rule("inner")
def _inner(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    a_ndim, b_ndim = [np.ndim(x) - m for x, m in zip(xs, mapped, strict=True)]
    if a_ndim == 0 or b_ndim == 0:
        return pointwise(OPS["multiply"], xs, mapped, {}, count)
    return _contracted(xs, mapped, [a_ndim - 1], [b_ndim - 1])


@batch_rule("tensordot")
def _tensordot(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    a_ndim, b_ndim = [np.ndim(x) - m for x, m in zip(xs, mapped, strict=True)]
    axes = params.get("axes", 2)
    if isinstance(axes, int | np.integer):
        return _contracted(xs, mapped, range(a_ndim - int(axes), a_ndim), range(int(axes)))
    a_axes, b_axes = [(x,) if isinstance(x, int | np.integer) else tuple(x) for x in axes]
    return _contracted(xs, mapped, [i % a_ndim for i in a_axes], [i % b_ndim for i in b_axes])


def _contracted(xs: Sequence[Any], mapped: Sequence[bool], a_axes: Sequence[int], b_axes: Sequence[int]) -> Array:
    """Sums over axes of the examples, ``a_axes`` of the first with ``b_axes`` of the second."""
    a, b = xs
    a_axes, b_axes = [[i + m for i in axes] for axes, m in zip((a_axes, b_axes), mapped, strict=True)]
    if not mapped[1]:
        return np.tensordot(a, b, (a_axes, b_axes))
    if not mapped[0]:
        return np.moveaxis(np.tensordot(a, b, (a_axes, b_axes)), np.ndim(a) - len(a_axes), 0)
    a_left = [i for i in range(1, a.ndim) if i not in a_axes]
    b_left = [i for i in range(1, b.ndim) if i not in b_axes]
    n = int(np.prod([a.shape[i] for i in a_axes], dtype=int))
    a_shape, b_shape = [[x.shape[i] for i in left] for x, left in ((a, a_left), (b, b_left))]
    rows, columns = int(np.prod(a_shape, dtype=int)), int(np.prod(b_shape, dtype=int))
    a = np.reshape(np.transpose(a, (0, *a_left, *a_axes)), (a.shape[0], rows, n))
    b = np.reshape(np.transpose(b, (0, *b_axes, *b_left)), (b.shape[0], n, columns))
    return np.reshape(a @ b, (a.shape[0], *a_shape, *b_shape))


@batch_rule("vdot")
def _vdot(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    a, b = [
        np.reshape(x, (count, int(np.prod(x.shape[1:], dtype=int))) if m else (-1,))
        for x, m in zip(xs, mapped, strict=True)
    ]
    return np.vecdot(a, b)


@batch_rule("outer")
def _outer(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    a, b = [
        np.reshape(x, (count, int(np.prod(x.shape[1:], dtype=int))) if m else (-1,))
        for x, m in zip(xs, mapped, strict=True)
    ]
    return a[..., :, None] * b[..., None, :]


@batch_rule("einsum", "einsum_of_diagonals", "einsum_alone", "einsum_of_diagonal")
def _einsum(op: Op, xs: Sequence[Any], mapped: Sequence[bool], params: Params, count: int) -> Array:
    subscripts = params["subscripts"]
    inputs, _, output = subscripts.partition("->")
    unused = [c for c in ascii_letters if c not in subscripts]
    if not unused:
        return one_by_one(op, xs, mapped, params, count)
    terms = [unused[0] + term if m else term for term, m in zip(inputs.split(","), mapped, strict=True)]
    return apply(op, xs, {**params, "subscripts": f"{','.join(terms)}->{unused[0]}{output}"})
