"""Scores of classes and the labels that say which class is right: how they are checked, and how scores are picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert._types import Array, Shape
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.errors import InputError
from wengert.nnet.activations.softmax import LOG_SOFTMAX, shifted
from wengert.nnet.fused import Pullback, fused
from wengert.nnet.values import floating, precisely, run
from wengert.ops.queries import plain_tree

__all__ = ["Places", "log_share", "picked", "scores_and_places", "share_evaluated"]

Places = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
"""An index: for each row its number, and its label."""


def scores_and_places(what: str, x: Any, y_true: Any, x_name: str, y_name: str) -> tuple[Array, Places]:
    """``x`` as an array of a row of scores a datum, and the places of the scores of the right classes."""
    x = floating(f"{what}: {x_name}", x)
    labels = np.array(plain_tree(y_true))  # a copy, which nobody can change before the derivative is taken
    if labels.dtype.kind not in "iu":
        raise InputError(f"{what}: {y_name} must be integers, the positions of classes; got dtype {labels.dtype}.")
    if x.ndim != 2 or not x.shape[1]:
        raise ValueError(f"{what}: {x_name} must have shape (N, C), a row a datum; got shape {x.shape}.")
    n, classes = x.shape
    if labels.shape != (n,):
        raise ValueError(
            f"{what}: {y_name} must have shape ({n},), a label for each row of {x_name}; got shape {labels.shape}."
        )
    if n and not -classes <= labels.min() <= labels.max() < classes:
        raise IndexError(
            f"{what}: {y_name} holds {labels.min()} to {labels.max()}; {x_name} has {classes} classes, 0 to "
            f"{classes - 1}."
        )
    return x, (np.arange(n), labels)


def _spread(values: Array, places: Places, shape: Shape) -> np.ndarray[Any, Any]:
    spread = np.zeros(shape, values.dtype)
    spread[places] = values
    return spread


_SPREAD = Op("spread_labels", "linear", _spread, ("values",), (lambda g, places: picked(g, places),), selects=True)
_PICK = Op(
    "pick_labels",
    "linear",
    lambda x, places: x[places],
    ("x",),
    (lambda g, x_like, places: apply(_SPREAD, (g,), {"places": places, "shape": x_like.shape}),),
    selects=True,
)


def picked(x: Array, places: Places) -> Array:
    """The element of each row of ``x`` at its label."""
    return run(_PICK, (x,), {"places": places})


def share_evaluated(x: Array, *, wanted: Sequence[bool], places: Places) -> tuple[Array, Pullback]:
    """``log_share`` and its pullback."""
    dtype, (x,) = precisely(x)
    shares = shifted(x, 1)
    right = shares[places]
    np.exp(shares, out=shares)
    totals = np.sum(shares, axis=1)

    def pullback(g: Array, *_: Array) -> tuple[Array]:
        r = shares * (-g / totals)[:, None]
        r[places] += g
        return (r,)

    return (right - np.log(totals)).astype(dtype, copy=False), pullback


@fused(share_evaluated)
def log_share(x: Array, *, places: Places) -> Array:
    """The element of each row of ``logsoftmax(x)`` at its label."""
    return picked(apply(LOG_SOFTMAX, (x,), {"axis": 1}), places)
