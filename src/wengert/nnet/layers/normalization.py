"""Normalization of what a batch of data has in each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Shape
from wengert.arrays.tensor import Tensor
from wengert.nnet.fused import Pullback, fused
from wengert.nnet.values import finished, floating, number, precisely

__all__ = ["batchnorm"]

# Data are seen as of shape (N, C, L), and what there is one of for each channel as (C, 1).


def _channels(x: Array) -> Array:
    return x.reshape((*x.shape[:2], math.prod(x.shape[2:])) if x.ndim > 1 else (x.size, 1, 1))


def _like(x: Array, shape: Shape) -> tuple[Array, Array]:
    """New memory for the like of ``x``, as of ``shape`` and as of the shape of ``x``."""
    made = np.empty(shape, x.dtype)
    return made, made.reshape(x.shape)


def _per_channel(values: Array) -> Array:
    return values.reshape((values.size, 1))


def _total(x: Array) -> Array:
    return _per_channel(np.add.reduce(x, (0, 2)))


def _products(a: Array, b: Array) -> Array:
    return _per_channel(np.einsum("ncl,ncl->c", a, b))


def _evaluated(
    x: Array, *parameters: Array, wanted: Sequence[bool], eps: float, names: Sequence[str]
) -> tuple[Array, Pullback]:
    """The cotangent of ``x`` lacks what the mean and the variance are responsible for.

    With ``c = x - mean``, ``s = 1 / sqrt(var + eps)`` and sums over the n elements of a channel it is
    ``gamma s (g - sum(g) / n - c s² sum(g c) / n)`` (Ioffe and Szegedy, 2015, section 3).
    """
    shape = x.shape
    dtype, (x, *rest) = precisely(x, *parameters)
    given = dict(zip(names, map(_per_channel, rest), strict=True))
    x = _channels(x)
    n = max(len(x) * x.shape[2], 1)
    mean = _total(x) / n
    made, y = _like(x, shape)
    np.subtract(x, mean, out=y)
    scale = 1.0 / np.sqrt(_products(y, y) / n + eps)
    factor = scale * given["gamma"] if "gamma" in given else scale
    y *= factor
    if "beta" in given:
        y += given["beta"]

    def pullback(g: Array, x: Array, *_: Array) -> Sequence[Array]:
        g, x = [_channels(a.astype(mean.dtype, copy=False)) for a in (g, x)]
        made, r = _like(x, shape)
        np.subtract(x, mean, out=r)
        by = {"gamma": _products(g, r) * scale, "beta": _total(g)}
        if wanted[0]:
            r *= by["gamma"] * scale / -n
            r += g
            r -= by["beta"] / n
            r *= factor
        return made, *[by[name][:, 0] for name in names]

    return made.astype(dtype, copy=False), pullback


@fused(_evaluated)
def _normalized(x: Array, *parameters: Array, eps: float, names: Sequence[str]) -> Array:
    axes = (0, *range(2, x.ndim))
    lined_up = (-1,) + (1,) * (x.ndim - 2) if x.ndim > 1 else ()
    y = x - np.mean(x, axis=axes, keepdims=True)
    y = y / np.sqrt(np.mean(y * y, axis=axes, keepdims=True) + eps)
    for name, p in zip(names, parameters, strict=True):
        y = y * np.reshape(p, lined_up) if name == "gamma" else y + np.reshape(p, lined_up)
    return y


def batchnorm(x: Any, *, gamma: Any = None, beta: Any = None, eps: float, constant: bool | None = None) -> Tensor:
    """``gamma (x - mean) / sqrt(var + eps) + beta``, with mean and variance those of each channel, the second axis.

    ``x`` has shape (N, C, ...), real; ``gamma`` and ``beta``, if given, shape (C,), real; ``eps`` is a number that is
    not negative; the result has the shape of ``x``. A vector ``x`` is one channel. The variance is that of the batch
    itself: the mean square of ``x - mean``. In a channel of equal elements the result is ``beta``; with ``eps=0`` it is
    NaN there. Raises ``ValueError`` for other shapes and for a negative ``eps``, ``TypeError`` for what is no number.

    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift",
    2015.

    >>> import wengert as wg
    >>> from wengert.nnet import batchnorm
    >>> x = wg.tensor([[1.0], [4.0], [1.0]])
    >>> batchnorm(x, eps=0)
    Tensor([[-0.70710678],
            [ 1.41421356],
            [-0.70710678]])
    """
    x = floating("batchnorm: x", x)
    eps = number("batchnorm", "eps", eps)
    if not eps >= 0:
        raise ValueError(f"batchnorm: eps must not be negative; got {eps!r}.")
    given = {name: p for name, p in (("gamma", gamma), ("beta", beta)) if p is not None}
    parameters = [_parameter(name, p, x) for name, p in given.items()]
    return finished(_normalized(x, *parameters, eps=eps, names=tuple(given)), constant)


def _parameter(name: str, values: Any, x: Array) -> Array:
    values = floating(f"batchnorm: {name}", values)
    count = x.shape[1] if x.ndim > 1 else 1
    if values.size != count:
        raise ValueError(
            f"batchnorm: {name} must have shape ({count},), an element for each channel of x, whose shape is "
            f"{x.shape}; got shape {values.shape}."
        )
    return values if values.ndim == 1 else np.reshape(values, (count,))
