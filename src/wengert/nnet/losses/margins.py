"""Losses that ask for scores to differ by a margin, and are zero where they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.aliasing import innermost, keeps_gradient
from wengert.nnet.fused import Pullback, fused
from wengert.nnet.losses.labels import Places, picked, scores_and_places
from wengert.nnet.values import finished, floating, nonnegative, number, precisely, real

__all__ = ["margin_ranking_loss", "multiclass_hinge"]


def _lead(x: Array, scale: Array) -> Array:
    """``scale`` where ``x > 0``, half of it at 0, zero elsewhere: ``scale`` times the derivative of ``max(x, 0)``."""
    half = 0.5 * scale
    r = np.sign(x)
    r *= half
    r += half
    return r


def _hinge_evaluated(x: Array, *, wanted: Sequence[bool], places: Places, hinge: Any) -> tuple[Array, Pullback]:
    n = len(x)
    dtype, (x,) = precisely(x)
    excess = x - (x[places] - hinge)[:, None]
    excess[places] = -1.0
    loss = np.add.reduce(np.maximum(excess, np.zeros(x.shape[1:], x.dtype)), None) / n

    def pullback(g: Array, *_: Array) -> tuple[Array]:
        r = _lead(excess, g.astype(excess.dtype) / n)
        r[places] -= np.add.reduce(r, 1)
        return (r,)

    return loss.astype(dtype), pullback


@fused(_hinge_evaluated)
def _hinge(x: Array, *, places: Places, hinge: Any) -> Array:
    n = x.shape[0]
    excess = x - np.reshape(picked(x, places) - hinge, (n, 1))
    wrong = np.ones(x.shape, bool)
    wrong[places] = False
    return np.sum(np.where(wrong, np.maximum(excess, 0.0), 0.0)) / n


def multiclass_hinge(x: Any, y_true: Any, hinge: Any = 1.0, *, constant: bool | None = None) -> Tensor:
    """The mean over data of the sum over wrong classes of ``max(0, x[class] - x[label] + hinge)``.

    ``x``, the scores, has shape (N, C), real; ``y_true`` shape (N,), integers, the labels; ``hinge`` is a real number,
    with respect to which no derivative is taken; the result is a scalar. Where the maximum is of two zeros its
    derivative is ½. Raises ``TypeError`` for labels that are no integers and a hinge that is no real number,
    ``ValueError`` for other shapes, ``IndexError`` for labels of no class.

    >>> import wengert as wg
    >>> from wengert.nnet import multiclass_hinge
    >>> x = wg.tensor([[0.5, 0.0, -3.0]])
    >>> loss = multiclass_hinge(x, [0])
    >>> loss
    Tensor(0.5)
    >>> loss.backward()
    >>> x.grad
    array([[-1.,  1.,  0.]])
    """
    x, places = scores_and_places("multiclass_hinge", x, y_true, "x", "y_true")
    return finished(_hinge(x, places=places, hinge=number("multiclass_hinge", "hinge", hinge)), constant)


def _ranking_evaluated(x: Array, *, wanted: Sequence[bool], sign: Array, margin: float) -> tuple[Array, Pullback]:
    dtype, (x, sign) = precisely(x, sign)
    slope = -sign
    excess = x * slope
    excess += margin
    loss = np.add.reduce(np.maximum(excess, np.zeros(x.shape[-1:], x.dtype)), None) / x.size

    def pullback(g: Array, *_: Array) -> tuple[Array]:
        return (_lead(excess, slope * (g.astype(excess.dtype) / excess.size)),)

    return loss.astype(dtype), pullback


@fused(_ranking_evaluated)
def _ranking(x: Array, *, sign: Array, margin: float) -> Array:
    return np.mean(np.maximum(margin - sign * x, 0.0))


def margin_ranking_loss(x1: Any, x2: Any, y: Any, margin: Any, *, constant: bool | None = None) -> Tensor:
    """The mean of ``max(0, margin - y (x1 - x2))``.

    ``x1`` and ``x2`` have one shape, (N,) or (N, D), real; ``y`` is 1 where ``x1`` ought to be the greater and -1 where
    ``x2`` ought to be, a number or of shape (N,); ``margin`` is a real number that is not negative, with respect to
    which no derivative is taken; the result is a scalar. Where the maximum is of two zeros its derivative is ½.
    Raises ``TypeError`` for anything but real numbers, ``ValueError`` for other shapes and another margin.

    >>> import wengert as wg
    >>> from wengert.nnet import margin_ranking_loss
    >>> x1, x2 = wg.tensor([1.0, 2.0]), wg.tensor([1.5, 2.5])
    >>> loss = margin_ranking_loss(x1, x2, 1, margin=0.5)
    >>> loss
    Tensor(1.)
    >>> loss.backward()
    >>> x1.grad, x2.grad
    (array([-0.5, -0.5]), array([0.5, 0.5]))
    """
    what = "margin_ranking_loss"
    x1, x2, y = floating(what, x1), floating(what, x2), real(what, y)
    if x1.ndim not in (1, 2):
        raise ValueError(f"{what}: x1 must have shape (N,) or (N, D); got shape {x1.shape}.")
    if x1.shape != x2.shape:
        raise ValueError(f"{what}: x1 and x2 must have the same shape; got {x1.shape} and {x2.shape}.")
    if y.shape not in ((), x1.shape[:1]):
        raise ValueError(f"{what}: y must be a number or have shape {x1.shape[:1]}; got shape {y.shape}.")
    margin = nonnegative(what, "margin", margin)
    difference = x1 - x2
    if y.ndim and x1.ndim == 2:
        y = np.reshape(y, (y.size, 1))
    if keeps_gradient(y):
        sign, difference = np.ones((), difference.dtype), y * difference
    else:
        sign = np.array(innermost(y), difference.dtype)  # a copy: nobody else can change it
    return finished(_ranking(difference, sign=sign, margin=margin), constant)
