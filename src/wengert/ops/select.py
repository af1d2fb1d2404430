"""Choosing elements by condition."""

from __future__ import annotations

import numpy as np

from wengert.ops.entries import linear

linear(
    np.where,
    "condition x y",
    condition=None,
    x=lambda g, condition: np.where(condition, g, np.zeros((), g.dtype)),
    y=lambda g, condition: np.where(condition, np.zeros((), g.dtype), g),
    selects=True,
)
