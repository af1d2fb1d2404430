"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np

from wengert.ops.entries import elementwise

elementwise(np.sin, x=lambda x: np.cos(x))
elementwise(np.cos, x=lambda x: -np.sin(x))
elementwise(np.tanh, x=lambda y: 1.0 - y * y)
