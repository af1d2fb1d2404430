"""``wg.add`` and its kind: objects that look, print and are called as NumPy's ufuncs."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import wengert as wg
from wengert.core.registry import FUNCTIONS, UFUNCS
from wengert.errors import InputError, UnsupportedFunction

X = np.array([0.7, 1.3, 0.9])
NAMES = sorted(
    {f.__name__ for f in (*UFUNCS, *FUNCTIONS) if isinstance(f, np.ufunc) and hasattr(np, f.__name__)} - {"isnat"}
)

everyone = pytest.mark.parametrize("name", NAMES)


# What they are


@everyone
def test_looks(name):
    ufunc, numpys = getattr(wg, name), getattr(np, name)
    assert repr(ufunc) == f"<wengert-ufunc '{numpys.__name__}'>"
    assert ufunc.__name__ == numpys.__name__
    for attribute in ("nin", "nout", "nargs", "identity", "signature"):
        assert getattr(ufunc, attribute) == getattr(numpys, attribute)
    assert ufunc.ntypes == len(ufunc.types) > 0
    assert set(ufunc.types) <= set(numpys.types)
    assert not any(set(t) & set("OMm") for t in ufunc.types)


@everyone
def test_kind(name):
    ufunc = getattr(wg, name)
    assert isinstance(ufunc, wg.ufunc)
    assert issubclass(ufunc, wg.ufunc)
    assert not isinstance(getattr(np, name), wg.ufunc)


def test_what_is_no_ufunc():
    for other in (wg.sum, wg.tensor, np.add, 1):
        assert not isinstance(other, wg.ufunc)
    for other in (int, object, np.ufunc, wg.sum):
        assert not issubclass(other, wg.ufunc)
    assert issubclass(wg.ufunc, wg.ufunc)


def test_aliases_are_one_object():
    assert wg.abs is wg.absolute
    assert wg.true_divide is wg.divide
    assert wg.mod is wg.remainder


@everyone
def test_pickles_and_copies_are_the_same_object(name):
    ufunc = getattr(wg, name)
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc
    assert copy.deepcopy(ufunc) is ufunc


def test_resolve_dtypes():
    assert wg.add.resolve_dtypes((np.dtype("f4"), np.dtype("f8"), None)) == (np.dtype("f8"),) * 3


def test_signatures():
    assert str(inspect.signature(wg.add)).startswith("(x1, x2, /, out=None, *, where=True")
    assert "where" not in inspect.signature(wg.matmul).parameters
    assert inspect.signature(wg.divmod).parameters["out"].default == (None, None)


def test_unknown_ufuncs_are_refused():
    with pytest.raises(UnsupportedFunction, match="no derivative of the ufunc 'halve"):
        wg.ufunc(_named_ufunc())


def _named_ufunc():
    def halve(x):
        return x / 2

    return np.frompyfunc(halve, 1, 1)


# Calls


def test_result_is_a_tensor():
    assert isinstance(wg.exp(1.0), wg.Tensor)
    assert isinstance(wg.add([1, 2], 3), wg.Tensor)
    assert isinstance(wg.multiply(X, X), wg.Tensor)
    assert type(wg.less(X, 1.0)) is np.ndarray
    assert type(wg.isnan(wg.tensor(X))) is np.ndarray


@pytest.mark.parametrize(
    "args", [(wg.tensor(X), X), (X, wg.tensor(X)), (wg.tensor(X), wg.tensor(X)), (2.0, wg.tensor(X))]
)
def test_arguments_on_either_side(args):
    y = wg.subtract(*args)
    np.testing.assert_array_equal(y.data, np.subtract(*map(np.asarray, args)))
    assert not y.constant


def test_arguments_by_name():
    assert wg.exp(x=0.0) == 1.0
    assert wg.subtract(5.0, x2=3.0) == 2.0
    assert wg.subtract(x1=5.0, x2=3.0) == 2.0
    with pytest.raises(TypeError, match="'x1' is given twice"):
        wg.subtract(5.0, 3.0, x1=1.0)


def test_targets():
    plain, target = np.zeros(3), wg.zeros(3)
    assert wg.add(X, 1.0, out=plain).data is plain
    assert wg.add(X, 1.0, plain).data is plain
    assert wg.add(X, wg.tensor(1.0), target) is target
    assert wg.add(X, 1.0, out=(target,), constant=True) is target
    np.testing.assert_array_equal(target.data, X + 1.0)


def test_where():
    mask = [True, False, True]
    np.testing.assert_array_equal(wg.exp(X, where=mask).data, np.where(mask, np.exp(X), 0.0))
    np.testing.assert_array_equal(wg.exp(X, where=wg.tensor(mask)).data, np.where(mask, np.exp(X), 0.0))
    x = wg.tensor(X)
    wg.exp(x, where=mask).backward()
    np.testing.assert_array_equal(x.grad, np.where(mask, np.exp(X), 0.0))
    assert wg.exp(X, where=mask, constant=False).constant is False


def test_dtype_and_casting():
    assert wg.exp(X, dtype=np.float32).dtype == np.float32
    assert wg.add(1, 2, dtype=float).constant
    with pytest.raises(TypeError, match="casting"):
        wg.add(X, 1.0, dtype=int, casting="safe")


def test_wrong_calls():
    with pytest.raises(TypeError, match="positional arguments"):
        wg.exp()
    with pytest.raises(TypeError, match="nan_to_num"):
        wg.exp(X, nan_to_num=True)
    with pytest.raises(InputError, match="works with numbers"):
        wg.exp(["a"])
    with pytest.raises(TypeError, match="constant must be"):
        wg.exp(wg.tensor(X), constant=0)


def test_several_results():
    fraction, whole = wg.modf(wg.tensor([1.5, -2.25]))
    assert isinstance(fraction, wg.Tensor)
    np.testing.assert_array_equal(whole, [1.0, -2.0])
    assert wg.divmod(7, 3) == (2, 1)
    assert all(y.constant for y in wg.modf([1.5], constant=True))


# The kink of the absolute value


def test_absolute_value_with_an_undefined_derivative_at_zero():
    x = wg.tensor([0.0, -2.0, 3.0])
    wg.absolute(x).backward()
    np.testing.assert_array_equal(x.grad, [0.0, -1.0, 1.0])
    y = wg.absolute(x, nan_to_num=False)
    np.testing.assert_array_equal(y.data, [0.0, 2.0, 3.0])
    y.backward()
    np.testing.assert_array_equal(x.grad, [np.nan, -1.0, 1.0])


def test_absolute_value_with_an_undefined_derivative_in_every_mode():
    def f(x):
        return np.sum(wg.abs(x, nan_to_num=False) * x)

    x = np.array([-2.0, 3.0])
    np.testing.assert_array_equal(wg.grad(f)(x), [4.0, 6.0])
    np.testing.assert_array_equal(wg.hessian(f)(x), np.diag([-2.0, 2.0]))
    np.testing.assert_array_equal(wg.jvp(f, (x,), (x,))[1], 10.0)
    with pytest.raises(InputError, match="real numbers"):
        wg.absolute(1j, nan_to_num=False)


# Methods


def test_methods():
    x = wg.tensor(X)
    for y, z in (
        (wg.add.reduce(x), np.add.reduce(X)),
        (wg.multiply.accumulate(x), np.multiply.accumulate(X)),
        (wg.add.reduceat(x, [0, 1]), np.add.reduceat(X, [0, 1])),
        (wg.subtract.outer(x, X), np.subtract.outer(X, X)),
        (wg.add.reduce(X[None], 0, None, None, True), X[None]),
    ):
        assert isinstance(y, wg.Tensor)
        np.testing.assert_array_equal(y.data, z)
    assert wg.logical_or.reduce([False, True]) is np.True_


def test_methods_take_a_flag():
    x = wg.tensor(X)
    assert wg.add.reduce(x, constant=True).constant
    assert not wg.add.accumulate(X, constant=False).constant
    assert wg.add.outer(x, x, constant=True).constant
    assert wg.add.reduceat(x, [0], constant=True).constant
    with pytest.raises(TypeError, match="constant must be"):
        wg.add.reduce(x, constant=1)
    with pytest.raises(TypeError, match="constant must be"):
        wg.add.outer(x, x, constant=1)


def test_methods_write_to_targets():
    target = wg.zeros(())
    assert wg.add.reduce(X, out=target) is target
    assert wg.add.reduce(X, 0, None, target, constant=True) is target
    row = wg.zeros(1)
    assert wg.add.reduceat(X, [0], 0, None, row) is row


def test_at():
    x = wg.tensor(X)
    y = x * 1.0
    assert wg.add.at(y, [0, 0], [x[1], 1.0]) is None
    y.backward()
    np.testing.assert_array_equal(y.data, [3.0, 1.3, 0.9])
    np.testing.assert_array_equal(x.grad, [1.0, 2.0, 1.0])
    wg.negative.at(y, [1])
    assert y.data[1] == -1.3


def test_lists_of_traced_values_in_methods():
    assert wg.grad(lambda x: wg.add.reduce([x, x * x]))(3.0) == 7.0
    assert wg.grad(lambda x: wg.multiply.outer([x, 2.0], [x])[0, 0])(3.0) == 6.0
