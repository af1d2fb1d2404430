"""Reductions along axes."""

from __future__ import annotations

import numpy as np

from wengert._types import Array, Axis, Shape
from wengert.core.dispatch import Box
from wengert.ops.entries import composite, linear

__all__ = ["spread"]


def spread(g: Array, shape: Shape, axis: Axis, keepdims: bool) -> Array:
    """The result ``g`` of a reduction repeated along the axes that were reduced, to ``shape``."""
    if axis is None and not isinstance(g, Box):
        full = np.empty(shape, g.dtype)
        full.fill(g if g.shape == () else g.reshape(()))
        return full
    if not keepdims and shape:
        axes = range(len(shape)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        g = np.expand_dims(g, tuple([a % len(shape) for a in axes]))
    return np.broadcast_to(g, shape)


linear(
    np.sum,
    "a axis dtype out keepdims initial where",
    evaluate=lambda a, axis=None, dtype=None, out=None, keepdims=False: np.add.reduce(a, axis, dtype, None, keepdims),
    a=lambda g, a_like, axis=None, keepdims=False: spread(g, a_like.shape, axis, keepdims),
)


@composite(np.add.reduce)
def _add_reduce(array: Array, axis: Axis = 0, dtype: object = None, out: object = None, keepdims: bool = False) -> Array:
    return np.sum(array, axis=axis, dtype=dtype, out=out, keepdims=keepdims)
