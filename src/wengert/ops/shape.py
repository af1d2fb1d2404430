"""The same elements in another shape."""

from __future__ import annotations

import numpy as np

from wengert.core.aliasing import read_only
from wengert.core.cotangents import fit
from wengert.ops.entries import linear
from wengert.ops.index import put_where

linear(
    np.reshape,
    "a shape order",
    a=lambda g, a_like, order="C": np.reshape(g, a_like.shape, order=order),
    put=put_where(np.reshape),
)
linear(
    np.transpose,
    "a axes",
    a=lambda g, axes=None: np.transpose(g, None if axes is None else np.argsort([i % g.ndim for i in axes])),
    put=put_where(np.transpose),
)
linear(
    np.expand_dims,
    "a axis",
    a=lambda g, a_like: np.reshape(g, a_like.shape),
    put=put_where(np.expand_dims),
)
linear(np.broadcast_to, "array shape", array=lambda g, array_like: fit(g, array_like.shape), put=read_only)
