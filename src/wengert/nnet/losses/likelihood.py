"""Losses that are means of negative logarithms of probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.arraymethods import converted
from wengert.nnet.fused import Pullback, fused
from wengert.nnet.losses.labels import Places, log_share, picked, scores_and_places, share_evaluated
from wengert.nnet.values import finished, precisely, real

__all__ = ["negative_log_likelihood", "softmax_crossentropy"]


def negative_log_likelihood(x: Any, y_true: Any, *, weights: Any = None, constant: bool | None = None) -> Tensor:
    """The mean over data of ``-weights[label] x[label]``, where ``x`` holds logarithms of probabilities.

    ``x`` has shape (N, C), real; ``y_true`` shape (N,), integers, the labels; ``weights``, a factor for each class,
    shape (C,), real; the result is a scalar. The mean is over N data, whatever the weights. If ``weights`` is a tensor
    it is differentiated with respect to as well. Raises ``TypeError`` for labels that are no integers, ``ValueError``
    for other shapes, ``IndexError`` for labels of no class.

    >>> import wengert as wg
    >>> from wengert.nnet import negative_log_likelihood
    >>> x = wg.tensor([[-4.0, -4.0, -0.5], [-0.5, -2.0, -2.0]])
    >>> loss = negative_log_likelihood(x, [0, 1], weights=[2.0, 1.0, 1.0])
    >>> loss
    Tensor(5.)
    >>> loss.backward()
    >>> x.grad
    array([[-1. ,  0. ,  0. ],
           [ 0. , -0.5,  0. ]])
    """
    x, places = scores_and_places("negative_log_likelihood", x, y_true, "x", "y_true")
    values = picked(x, places)
    if weights is not None:
        weights = _weights(weights, x)
        if weights.shape != x.shape[1:]:
            raise ValueError(
                f"negative_log_likelihood: weights must have shape {x.shape[1:]}, a factor for each class; got "
                f"shape {weights.shape}."
            )
        values = weights[places[1]] * values
    return finished(-np.mean(values), constant)


def _weights(weights: Any, x: Array) -> Array:
    """Weights as an array; Python numbers and integers in the dtype of ``x``, which they shall not widen."""
    array = real("negative_log_likelihood: weights", weights)
    return converted(array, x.dtype) if isinstance(weights, list | tuple) or array.dtype.kind != "f" else array


def _evaluated(x: Array, *, wanted: Sequence[bool], places: Places) -> tuple[Array, Pullback]:
    dtype, (x,) = precisely(x)
    logs, pull = share_evaluated(x, wanted=wanted, places=places)
    n = len(logs)
    loss = np.add.reduce(logs) / -n
    return loss.astype(dtype), lambda g, *_: pull(np.full(n, g / -n, logs.dtype))


@fused(_evaluated)
def _crossentropy(x: Array, *, places: Places) -> Array:
    return -np.mean(log_share(x, places=places))


def softmax_crossentropy(x: Any, y_true: Any, *, constant: bool | None = None) -> Tensor:
    """The mean over data of ``-log softmax(x)[label]``; it overflows for no ``x``.

    ``x``, the scores, has shape (N, C), real; ``y_true`` shape (N,), integers, the labels; the result is a scalar.
    Raises ``TypeError`` for labels that are no integers, ``ValueError`` for other shapes, ``IndexError`` for labels of
    no class.

    >>> import wengert as wg
    >>> from wengert.nnet import softmax_crossentropy
    >>> x = wg.tensor([[0.0, 0.0], [1e4, 0.0]])
    >>> loss = softmax_crossentropy(x, [0, 1])
    >>> loss
    Tensor(5000.34657359)
    >>> loss.backward()
    >>> x.grad
    array([[-0.25,  0.25],
           [ 0.5 , -0.5 ]])
    """
    x, places = scores_and_places("softmax_crossentropy", x, y_true, "x", "y_true")
    return finished(_crossentropy(x, places=places), constant)
