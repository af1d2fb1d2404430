"""Sums, products, quotients, powers and roots."""

from __future__ import annotations

import numpy as np

from wengert.ops.entries import elementwise

elementwise(np.add, a=1, b=1)
elementwise(np.subtract, a=1, b=-1)
elementwise(np.multiply, a=lambda b: b, b=lambda a: a)
elementwise(np.true_divide, a=lambda b: 1.0 / b, b=lambda y, b: -y / b, domain="nonzero")
elementwise(np.negative, x=-1)
elementwise(np.positive, x=1)
elementwise(np.square, x=lambda x: 2 * x)
elementwise(np.sqrt, x=lambda y: 0.5 / y, domain="positive")
