"""Functions whose derivative is zero wherever it exists: rounding, comparison, predicates, logic, bits."""

from __future__ import annotations

import numpy as np

from wengert.ops.entries import constant

CONSTANT_UFUNCS: tuple[np.ufunc, ...] = (
    # rounding, and quotients rounded
    np.floor, np.ceil, np.trunc, np.rint, np.floor_divide, np.spacing,
    # comparison
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    # predicates
    np.isfinite, np.isinf, np.isnan, np.isnat, np.signbit,
    # logic
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    # bits and whole numbers
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.bitwise_count,
    np.gcd, np.lcm,
)  # fmt: skip

for _ufunc in CONSTANT_UFUNCS:
    constant(_ufunc)

for _function, _signature in (
    (np.round, "a decimals out"),
    (np.around, "a decimals out"),
    (np.fix, "x out"),
    (np.isposinf, "x out"),
    (np.isneginf, "x out"),
    (np.iscomplex, "x"),
    (np.isreal, "x"),
):
    constant(_function, _signature)
