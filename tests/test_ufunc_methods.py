"""``reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at`` of ufuncs, associative or not."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import UnsupportedFunction
from wengert.testing import check_grads, check_jacobian

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
    check_grads(f, args)


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


@everywhere
def test_at(ufunc):
    def updated(x, values):
        target = x * 1.0
        ufunc.at(target, [0, 3, 0], values)
        return target

    check(updated, X, np.array([0.75, 1.25, 0.6]))


INDICES = {
    "an integer": (1, 0.5),
    "a slice": (slice(0, 2), np.array([0.75, 1.25])),
    "rows": ([0, 2, 0], M[:1] + 0.5),
    "elements": (([0, 2, 0, 0], [1, 1, 1, 0]), np.array([0.75, 1.25, 0.6, 1.5])),
    "a mask": (M > 0.8, 1.5),
    "an ellipsis": (..., 0.5),
    "an axis of columns": ((slice(None), np.array([1, 1])), 0.5),
}


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.hypot], ids=lambda u: u.__name__)
@pytest.mark.parametrize("index", INDICES)
def test_at_every_kind_of_index(ufunc, index):
    place, value = INDICES[index]

    def updated(x):
        target = x * 1.0
        view = target[::-1]
        ufunc.at(view, place, value)
        return target

    check(updated, M)


UNARY = [np.negative, np.exp, np.sqrt, np.sin, np.square, np.reciprocal, np.floor]


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda u: u.__name__)
def test_at_of_one_argument(ufunc):
    def updated(x):
        target = x * 1.0
        ufunc.at(target, [0, 0, 2])
        return target

    check(updated, X)


def test_at_takes_tensors_for_everything():
    x, v = wg.tensor(X), wg.tensor([0.5, 0.25])
    np.add.at(x, wg.tensor([1, 1]), v)
    np.sum(x * [1.0, 2.0, 3.0, 4.0]).backward()
    assert v.grad.tolist() == [2.0, 2.0]
    whole = wg.tensor([1, 2])
    np.add.at(whole, [0, 0], 2)
    assert whole.tolist() == [5, 2]


# Keywords of the methods


@pytest.mark.parametrize("ufunc", [*REORDERABLE, np.subtract, np.fmod], ids=lambda u: u.__name__)
@pytest.mark.parametrize(
    ("method", "args"), [("reduce", (0,)), ("accumulate", (1,)), ("reduceat", ([0, 2, 1], 0))], ids=lambda m: str(m)
)
def test_dtype_and_out(ufunc, method, args):
    expected = getattr(ufunc, method)(M.astype(np.float32), *args)
    y = getattr(ufunc, method)(wg.tensor(M), *args, dtype=np.float32)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    assert y.dtype == np.float32
    x, target = wg.tensor(M), wg.tensor(np.zeros(expected.shape))
    made = getattr(ufunc, method)(x, *args, None, target)
    assert made is target
    np.sum(target).backward()
    np.testing.assert_allclose(x.grad, wg.grad(lambda x: np.sum(getattr(ufunc, method)(x, *args)))(M), rtol=1e-14)
    array = np.zeros(expected.shape)
    getattr(ufunc, method)(wg.tensor(M, constant=True), *args, out=array)
    np.testing.assert_allclose(array, expected, rtol=1e-5)


def test_keywords_of_outer():
    x, target = wg.tensor(X), wg.tensor(np.zeros((4, 2)))
    mask = np.array([True, False])
    assert np.multiply.outer(x, M[0], out=target, where=mask) is target
    np.testing.assert_array_equal(target, np.where(mask, np.multiply.outer(X, M[0]), 0.0))
    np.sum(target).backward()
    np.testing.assert_allclose(x.grad, np.full(4, M[0, 0]))
    assert np.add.outer(x, [1.0, 2.0], dtype=np.float32, casting="same_kind").dtype == np.float32
    quotients, rests = np.divmod.outer(x, M[0])
    np.testing.assert_array_equal(quotients, np.divmod.outer(X, M[0])[0])
    np.sum(rests).backward()


@pytest.mark.parametrize("ufunc", [np.subtract, np.true_divide, np.power], ids=lambda u: u.__name__)
def test_order_matters_to_some(ufunc):
    for axis in (None, (0, 1)):
        with pytest.raises(ValueError, match="not reorderable"):
            ufunc.reduce(wg.tensor(M), axis=axis)


def test_numpys_errors():
    x = wg.tensor(M)
    for call in (
        lambda x: np.equal.reduce(x),
        lambda x: np.bitwise_and.reduce(x),
        lambda x: np.float_power.reduce(x, dtype=np.float32),
        lambda x: np.gcd.accumulate(x),
        lambda x: np.add.accumulate(x, axis=(0, 1)),
    ):
        with pytest.raises((TypeError, ValueError)) as expected:
            call(M)
        with pytest.raises(expected.type):
            call(x)
    with pytest.raises(np.exceptions.AxisError):
        np.hypot.reduce(x, axis=2)
    with pytest.raises(IndexError, match=r"np\.multiply\.reduceat: indices \[0, 5\]"):
        np.multiply.reduceat(x, [0, 5])


def test_truth_has_no_derivative():
    x = wg.tensor(M)
    for y, expected in (
        (np.logical_and.reduce(x, axis=1), np.logical_and.reduce(M, axis=1)),
        (np.logical_or.accumulate(x), np.logical_or.accumulate(M)),
        (np.logical_xor.reduceat(x, [0, 2]), np.logical_xor.reduceat(M, [0, 2])),
        (np.logical_and.reduce(x, where=M > 1.0, initial=True), np.logical_and.reduce(M, where=M > 1.0, initial=True)),
        (np.equal.outer(x, M[0]), np.equal.outer(M, M[0])),
    ):
        np.testing.assert_array_equal(y, expected)
        assert y.dtype == bool
    target = np.zeros(3, bool)
    np.logical_or.reduce(x, 1, out=target)
    assert target.all()


def test_rounded_quotients_pass_the_first_on():
    check_jacobian(lambda x: np.floor_divide.accumulate(x), (np.array([7.5, 2.2, 1.4]),))


def test_at_on_a_plain_array_is_refused():
    with pytest.raises(UnsupportedFunction, match=r"np\.add\.at .* wg\.tensor"):
        wg.grad(lambda x: np.add.at(np.zeros(3), [0], x))(1.0)
