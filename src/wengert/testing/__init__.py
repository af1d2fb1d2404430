"""Oracles for derivatives, and checkers that hold wengert's derivatives against them.

An oracle computes a Jacobian from values of the function alone. A checker asserts: it raises ``AssertionError`` with
what differs, and returns ``None``, so no result of a check can be dropped by mistake. ``check_grads`` is the one to
use for a function of one's own:

>>> import numpy as np
>>> from wengert.testing import check_grads
>>> check_grads(lambda w, x: np.tanh(x @ w), (np.array([0.3, -1.2]), np.array([[1.0, 2.0], [0.5, -1.0]])))
"""

from wengert.testing.contracts import check_dtypes, check_inputs_unchanged, check_layouts
from wengert.testing.derivatives import check_grads, check_jacobian, check_orders, check_transpose
from wengert.testing.oracles import complex_step_jacobian, mpmath_derivative, richardson_jacobian

__all__ = [
    "check_dtypes",
    "check_grads",
    "check_inputs_unchanged",
    "check_jacobian",
    "check_layouts",
    "check_orders",
    "check_transpose",
    "complex_step_jacobian",
    "mpmath_derivative",
    "richardson_jacobian",
]
