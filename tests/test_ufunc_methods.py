"""``reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at`` of ufuncs, associative or not."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import UnsupportedFunction
from wengert.testing import check_jacobian, check_orders, check_transpose

X = np.array([0.7, 1.3, 0.9, 1.1])
M = np.array([[0.7, 1.3], [0.9, 1.1], [1.4, 0.6]])
UFUNCS = [
    np.add, np.subtract, np.multiply, np.true_divide, np.float_power, np.maximum, np.minimum, np.fmax, np.fmin,
    np.logaddexp, np.logaddexp2, np.hypot, np.fmod, np.remainder, np.copysign,
]  # fmt: skip
"""Without ``power`` and ``arctan2``: where they use vector instructions, NumPy 2.4 itself reduces in a wrong order."""

REORDERABLE = [np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot]
CALLS = {
    "reduce": lambda u: lambda x: u.reduce(x),
    "reduce rows": lambda u: lambda x: u.reduce(x, axis=-1),
    "reduce, axis kept": lambda u: lambda x: u.reduce(x, 0, keepdims=True),
    "accumulate": lambda u: lambda x: u.accumulate(x),
    "accumulate rows": lambda u: lambda x: u.accumulate(x, axis=-1),
    "reduceat": lambda u: lambda x: u.reduceat(x, [0, 2, 1]),
    "outer": lambda u: lambda x: u.outer(x, M[0]),
    "outer, reflected": lambda u: lambda x: u.outer(M[0], x),
    "outer with itself": lambda u: lambda x: u.outer(x, x),
}

everywhere = pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)


def check(f, *args):
    check_jacobian(f, args)
    check_transpose(f, args)
    check_orders(f, args, order=2)


def test_power_and_arctan2_reduce_from_the_left():
    x = wg.tensor(X)
    power, angle = np.power.reduce(x), np.arctan2.reduce(x)
    assert float(power) == pytest.approx(((0.7**1.3) ** 0.9) ** 1.1, rel=1e-15)
    assert float(angle) == pytest.approx(np.arctan2(np.arctan2(np.arctan2(0.7, 1.3), 0.9), 1.1), rel=1e-15)


@everywhere
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("x", [X, M], ids=["vector", "matrix"])
def test_method(ufunc, call, x):
    check(call(ufunc), x)


@pytest.mark.parametrize("ufunc", REORDERABLE, ids=lambda u: u.__name__)
@pytest.mark.parametrize("axis", [None, (0, 1), (1,), ()])
def test_reduction_along_several_axes(ufunc, axis):
    check(lambda x: ufunc.reduce(x, axis=axis), M)


@pytest.mark.parametrize("ufunc", [u for u in REORDERABLE if u is not np.hypot], ids=lambda u: u.__name__)
def test_initial_and_where(ufunc):
    mask = np.array([[True, False], [True, True], [False, False]])
    check(lambda x: ufunc.reduce(x, axis=0, initial=0.8, where=mask), M)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.maximum], ids=lambda u: u.__name__)
def test_at(ufunc):
    def updated(x, values):
        target = x * 1.0
        ufunc.at(target, [0, 3, 0], values)
        return target

    check(updated, X, np.array([0.75, 1.25, 0.6]))


def test_at_on_a_plain_array_is_refused():
    with pytest.raises(UnsupportedFunction, match=r"np\.add\.at .* wg\.tensor"):
        wg.grad(lambda x: np.add.at(np.zeros(3), [0], x))(1.0)
