"""Lengths of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array, Axis, Shape
from wengert.core.aliasing import holds_everywhere
from wengert.core.arraymethods import converted
from wengert.core.cotangents import HALF, SINGLE
from wengert.core.dispatch import apply, operand
from wengert.core.op import Op
from wengert.core.registry import register
from wengert.errors import UndefinedDerivative
from wengert.ops.cases import Call, call
from wengert.ops.entries import composite
from wengert.ops.reduce import axes_of, keep

__all__ = ["ratio", "real_product"]

# A vector over its length, the gradient of that length. At 0 it is 0 by convention, but it jumps there, so it has no
# derivative; and no number can stand in for one: the Hessian of norm(x)**2 at 0 would come out as 0 instead of 2I.


def _defined(by: Array, shape: Shape) -> Array:
    """``by``, or an error if an element of a result of ``shape`` is divided by zero."""
    if 0 not in shape and not holds_everywhere(by != 0, otherwise=True):
        raise UndefinedDerivative(
            "A second derivative of a norm, or of a standard deviation, was asked for where it is 0; it exists "
            "away from 0 only. Write the norm's square as np.sum(x * x), the standard deviation's as np.var(x), "
            "keep away from 0 with np.sqrt(np.sum(x * x) + eps), or put other numbers in the place of rows that are "
            "masked out anyway."
        )
    return by if 0 not in shape else np.ones((), by.dtype)


_RATIO = register(
    Op(
        "ratio",
        "elementwise",
        lambda x, by: x / ((by or np.inf) if isinstance(by, np.generic) else np.where(by == 0, np.inf, by)),
        ("x", "by"),
        (lambda x_like, by: 1.0 / _defined(by, x_like.shape), lambda y, by: -y / _defined(by, y.shape)),
    )
)


def ratio(x: Array, by: Array) -> Array:
    """``x / by``, and 0 where ``by``, the length of ``x``, is 0."""
    return apply(_RATIO, (x, by))


def real_product(a: Array, b: Array) -> Array:
    """``Re(conj(a)·b)``, the product of ``a`` and ``b`` as vectors of the plane where they are complex."""
    return np.real(np.conjugate(a) * b) if a.dtype.kind == "c" else a * b


def _length(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    if x.dtype is HALF:
        return converted(_length(converted(x, SINGLE), axis, keepdims), HALF)
    if isinstance(axis, tuple) and len(axis) != 2:
        return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims)
    return np.linalg.norm(x, None, axis, keepdims)


_LENGTH = register(
    Op(
        "length",
        "structured",
        _length,
        ("x",),
        (
            lambda g, x, y, axis=None, keepdims=False: (
                keep(g, x.shape, axis, keepdims) * ratio(x, keep(y, x.shape, axis, keepdims))
            ),
        ),
        jvps=(
            lambda t, x, y, axis=None, keepdims=False: np.sum(
                real_product(ratio(x, keep(y, x.shape, axis, keepdims)), t), axis=axis, keepdims=keepdims
            ),
        ),
    )
)

# |x| to a real power, and sign(x)·|x| to a real power: each is a multiple of the other's derivative. At 0, the kink of
# the first, its derivative is 0 whatever the power.


def _size_to(x: Array, p: float) -> Array:
    return apply(_SIZE_TO, (x,), {"p": p})


def _signed_size_to(x: Array, p: float) -> Array:
    return apply(_SIGNED_SIZE_TO, (x,), {"p": p})


_SIZE_TO = register(
    Op(
        "size_to_power",
        "elementwise",
        lambda x, p: np.absolute(x) ** p,
        ("x",),
        (lambda x, p: p * _signed_size_to(x, p - 1.0),),
    )
)
_SIGNED_SIZE_TO = register(
    Op(
        "signed_size_to_power",
        "elementwise",
        lambda x, p: np.where(x == 0, x, np.sign(x) * np.absolute(np.where(x == 0, 1.0, x)) ** p),
        ("x",),
        (lambda x, p: p * _size_to(x, p - 1.0) if p else np.zeros((), x.dtype),),
    )
)


def _norm_of_vectors(x: Array, order: Any, axis: Axis, keepdims: bool) -> Array:
    """The norms of the vectors along ``axis``."""
    if order is None or order == 2:
        return apply(_LENGTH, (x,), {"axis": axis, "keepdims": keepdims})
    if order == np.inf:
        return np.max(np.absolute(x), axis=axis, keepdims=keepdims)
    if order == -np.inf:
        return np.min(np.absolute(x), axis=axis, keepdims=keepdims)
    if order == 0:
        return np.sum(np.rint(np.absolute(np.sign(x))), axis=axis, keepdims=keepdims)
    if not isinstance(order, int | float | np.integer | np.floating):
        raise ValueError(f"A norm of vectors has a number for its order, or inf or -inf; got {order!r}.")
    size = np.absolute(x) if x.dtype.kind == "c" else x
    if order == 1:
        return np.sum(np.absolute(x), axis=axis, keepdims=keepdims)
    p = float(order)
    total = np.sum(_size_to(size, p), axis=axis, keepdims=keepdims)
    nothing = total == 0
    return np.where(nothing, 0.0, np.where(nothing, 1.0, total) ** (1.0 / p))


def _norm_of_matrices(x: Array, order: Any, axes: tuple[int, int], keepdims: bool) -> Array:
    """The norms of the matrices in ``axes``."""
    row, column = axes_of(axes, x.ndim)
    if order is None or order in ("fro", "f"):
        return apply(_LENGTH, (x,), {"axis": (row, column), "keepdims": keepdims})
    if order in (1, -1, np.inf, -np.inf):
        along, over = (row, column) if order in (1, -1) else (column, row)
        sums = np.sum(np.absolute(x), axis=along, keepdims=True)
        y = np.max(sums, axis=over, keepdims=True) if order > 0 else np.min(sums, axis=over, keepdims=True)
        return y if keepdims else np.reshape(y, [n for i, n in enumerate(y.shape) if i not in (row, column)])
    if order not in (2, -2, "nuc"):
        raise ValueError(
            f"A norm of matrices has the order 'fro', 'nuc', inf, 1, 2 or one of their opposites; got {order!r}."
        )
    values = np.linalg.svd(np.moveaxis(x, (row, column), (-2, -1)), compute_uv=False)
    total = np.sum if order == "nuc" else np.max if order == 2 else np.min
    y = total(values, axis=-1)
    return np.expand_dims(y, (row, column)) if keepdims else y


def _arrays(rng: np.random.Generator) -> list[Call]:
    x = rng.normal(size=(2, 3))
    z = x[0] + 1j * x[1]
    return [
        call(x),
        call(x[0]),
        call(x, 3.0, 1),
        call(x, 1, axis=0, keepdims=True),
        call(x[0], np.inf),
        call(x, -np.inf, axis=1),
        call(x[0], 2.5),
        call(x[0], -1),
        call(x, "fro"),
        call(x, np.inf, keepdims=True),
        call(x, -1),
        call(rng.normal(size=(2, 3, 2)), axis=(0, 2)),
        call(rng.normal(size=(2, 3, 2)), axis=-2),
        call(z),
        call(z, 3),
        call(x[0, 0], axis=None),
        call(x[0, :0]),
    ]


_ORIGIN = np.zeros(3)


@composite(
    np.linalg.norm,
    samples=_arrays,
    kinks=[
        (call(_ORIGIN), (_ORIGIN,)),
        (call(np.array([[0.0, 0.0], [3.0, 4.0]]), axis=1), (np.array([[0.0, 0.0], [0.6, 0.8]]),)),
        (call(np.zeros((2, 3)), "fro"), (np.zeros((2, 3)),)),
        (call(_ORIGIN, 1), (_ORIGIN,)),
        (call(_ORIGIN, 3), (_ORIGIN,)),
        (call(_ORIGIN, 0.5), (_ORIGIN,)),
        (call(_ORIGIN, np.inf), (_ORIGIN,)),
        (call(np.zeros(2, complex)), (np.zeros(2, complex),)),
    ],
)
def _norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:  # noqa: A002 - NumPy's name
    if x.dtype.kind not in "fc":
        x = converted(x, float)
    if axis is None and (ord is None or (x.ndim == 2 and ord in ("fro", "f")) or (x.ndim == 1 and ord == 2)):
        return apply(_LENGTH, (x,), {"keepdims": keepdims})
    axes = axes_of(axis, x.ndim)
    if len(axes) == 1:
        return _norm_of_vectors(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _norm_of_matrices(x, ord, (axes[0], axes[1]), keepdims)
    raise ValueError(f"A norm is of vectors (one axis) or matrices (two axes); got {len(axes)} axes.")


@composite(
    np.linalg.vector_norm,
    samples=lambda rng: [
        call(rng.normal(size=(2, 3))),
        call(rng.normal(size=(2, 3)), axis=1, keepdims=True),
        call(rng.normal(size=(2, 3, 2)), axis=(0, 2), ord=3),
        call(rng.normal(size=(2, 3)), ord=1),
    ],
    kinks=[(call(_ORIGIN), (_ORIGIN,))],
)
def _vector_norm(x: Array, /, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Array:  # noqa: A002
    x = operand(x)
    return _norm_of_vectors(x if x.dtype.kind in "fc" else converted(x, float), ord, axis, keepdims)


@composite(
    np.linalg.matrix_norm,
    samples=lambda rng: [call(rng.normal(size=(2, 3))), call(rng.normal(size=(2, 3, 2)), keepdims=True, ord=1)],
    kinks=[(call(np.zeros((2, 3))), (np.zeros((2, 3)),))],
)
def _matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:  # noqa: A002
    x = operand(x)
    return _norm_of_matrices(
        x if x.dtype.kind in "fc" else converted(x, float), ord, (x.ndim - 2, x.ndim - 1), keepdims
    )
