"""The focal loss: cross-entropy with less weight on what is classified well."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert._types import Array
from wengert.arrays.tensor import Tensor
from wengert.core.dispatch import Box, operand
from wengert.core.op import Op
from wengert.nnet.losses.labels import log_share, picked, scores_and_places
from wengert.nnet.values import finished, nonnegative, number, run
from wengert.ops.queries import plain_tree

__all__ = ["focal_loss", "softmax_focal_loss"]

# Both forms of -(1 - p)^γ log(p) are operations of their own, so that their derivatives are right at p = 1, where 1 - p
# is 0 and may be raised to a power between -1 and 0.


def _by_probability(p: Array, gamma: float) -> Array:
    return -_focus(p, gamma) * np.log(p)


def _focus(p: Array, gamma: float) -> Array:
    """``(1 - p)^γ``; a probability that rounding made greater than 1 counts as 1."""
    return np.clip(1.0 - p, 0.0, None) ** gamma


def _slope_by_probability(p: Array, gamma: float) -> Array:
    """``γ (1-p)^(γ-1) log p - (1-p)^γ / p``, with ``log(p) / (1-p)`` continued to -1 at 1."""
    if gamma == 0.0:
        return -1.0 / p
    rest = 1.0 - p
    is_one = rest <= 0.0
    ratio = np.where(is_one, -1.0, np.log(p) / np.where(is_one, 1.0, rest))
    return _focus(p, gamma) * (gamma * ratio - 1.0 / p)


def _by_logarithm(x: Array, gamma: float) -> Array:
    return -((-np.expm1(x)) ** gamma) * x


def _slope_by_logarithm(x: Array, gamma: float) -> Array:
    """``γ (1-p)^(γ-1) p x - (1-p)^γ`` with ``p = exp(x)``; ``p x / (1-p)`` is continued to -1 at ``x = 0``."""
    if gamma == 0.0:
        return np.full(x.shape, -1.0, x.dtype)
    rest = -np.expm1(x)
    is_one = rest <= 0.0
    ratio = np.where(is_one, -1.0, np.exp(x) * x / np.where(is_one, 1.0, rest))
    return rest**gamma * (gamma * ratio - 1.0)


_BY_PROBABILITY = Op("focal_loss", "elementwise", _by_probability, ("p",), (_slope_by_probability,))
_BY_LOGARITHM = Op("focal_loss_of_logarithm", "elementwise", _by_logarithm, ("x",), (_slope_by_logarithm,))


def _weighted(what: str, y: Array, alpha: Any) -> Array:
    """``alpha y``, where ``alpha`` is a number or has one for each datum."""
    if not isinstance(alpha, list | tuple | np.ndarray | Box) or np.size(plain_tree(alpha)) == 1:
        alpha = number(what, "alpha", alpha, y)
        return y if type(alpha) in (int, float, bool) and alpha == 1 else alpha * y
    alpha = operand(alpha)
    if alpha.shape != y.shape:
        raise ValueError(f"{what}: alpha must be a number or have shape {y.shape}; got shape {alpha.shape}.")
    return alpha * y


def focal_loss(
    class_probs: Any, targets: Any, *, alpha: Any = 1, gamma: Any = 0, constant: bool | None = None
) -> Tensor:
    """For each datum ``-alpha (1 - p)^gamma log(p)``, where ``p`` is the probability of its label.

    ``class_probs`` has shape (N, C), real, in (0, 1]; ``targets`` shape (N,), integers, the labels; ``alpha`` is a real
    number or has one for each datum, ``gamma`` a real number that is not negative; the result has shape (N,). At
    ``p = 1`` the derivative is the limit from below, 0 for every ``gamma > 0``. If ``alpha`` is a tensor it is
    differentiated with respect to as well. Raises ``TypeError`` for labels that are no integers, ``ValueError`` for
    other shapes and another ``gamma``, ``IndexError`` for labels of no class.

    Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection", 2017.

    >>> import wengert as wg
    >>> from wengert.nnet import focal_loss
    >>> p = wg.tensor([[0.5, 0.5], [0.9, 0.1]])
    >>> loss = focal_loss(p, [0, 0], gamma=2)
    >>> loss
    Tensor([0.1732868 , 0.00105361])
    >>> loss.backward()
    >>> p.grad
    array([[-1.19314718,  0.        ],
           [-0.03218321,  0.        ]])
    """
    gamma = nonnegative("focal_loss", "gamma", gamma)
    p, places = scores_and_places("focal_loss", class_probs, targets, "class_probs", "targets")
    y = run(_BY_PROBABILITY, (picked(p, places),), {"gamma": gamma})
    return finished(_weighted("focal_loss", y, alpha), constant)


def softmax_focal_loss(
    scores: Any, targets: Any, *, alpha: Any = 1, gamma: Any = 0, constant: bool | None = None
) -> Tensor:
    """:func:`focal_loss` of ``softmax(scores)``; it overflows for no ``scores``.

    ``scores`` has shape (N, C), real; all else is as for :func:`focal_loss`.

    >>> import wengert as wg
    >>> from wengert.nnet import softmax_focal_loss
    >>> x = wg.tensor([[0.0, 0.0], [-1e4, 0.0]])
    >>> loss = softmax_focal_loss(x, [0, 0], gamma=2)
    >>> loss
    Tensor([1.73286795e-01, 1.00000000e+04])
    >>> loss.backward()
    >>> x.grad
    array([[-0.2982868,  0.2982868],
           [-1.       ,  1.       ]])
    """
    gamma = nonnegative("softmax_focal_loss", "gamma", gamma)
    x, places = scores_and_places("softmax_focal_loss", scores, targets, "scores", "targets")
    y = run(_BY_LOGARITHM, (log_share(x, places=places),), {"gamma": gamma})
    return finished(_weighted("softmax_focal_loss", y, alpha), constant)
