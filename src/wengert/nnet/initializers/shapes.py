"""Shapes as initializers take them: ``f(2, 3)`` or ``f((2, 3))``."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as as_integer
from typing import Any

import numpy as np

from wengert._types import Shape

__all__ = ["shape_of", "weights_shape_of"]


def shape_of(given: Sequence[Any]) -> Shape:
    """The shape that is given by several integers or by one sequence of them."""
    lengths = given[0] if len(given) == 1 and np.iterable(given[0]) else given
    return tuple([as_integer(n) for n in lengths])


def weights_shape_of(what: str, given: Sequence[Any]) -> Shape:
    """The same of an array of weights, whose first two axes are those of what they give and of what they take."""
    shape = shape_of(given)
    if len(shape) < 2:
        raise ValueError(
            f"{what}: weights have at least two axes, that of outputs and that of inputs; got shape {shape}."
        )
    return shape
