"""``asarray`` and ``astensor`` copy nothing that need not be copied, and detach nothing in silence."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ConversionError

X = np.array([0.5, -1.0])


# astensor


def test_a_tensor_is_returned_as_it_is():
    variable, constant = wg.tensor(X), wg.tensor(X, constant=True)
    for x in (variable, constant, variable[:1], 2.0 * variable, wg.tensor([1, 2])):
        assert wg.astensor(x) is x
        assert wg.astensor(x, dtype=x.dtype) is x
    assert wg.astensor(variable, constant=False) is variable
    assert wg.astensor(constant, constant=True) is constant
    assert wg.astensor(constant, float) is constant
    integers = wg.tensor([1, 2])
    assert wg.astensor(integers, constant=True) is integers


def test_memory_is_shared():
    assert wg.astensor(X).data is X
    x = wg.tensor(X)
    assert wg.astensor(x, constant=True).constant
    assert np.shares_memory(wg.astensor(x, constant=True).data, x.data)
    c = wg.tensor(X, constant=True)
    assert not wg.astensor(c, constant=False).constant
    assert np.shares_memory(wg.astensor(c, constant=False).data, c.data)


def test_another_dtype_is_recorded():
    x = wg.tensor(X)
    y = wg.astensor(x, np.float32)
    assert y.dtype == np.float32
    (3.0 * y).backward()
    np.testing.assert_array_equal(x.grad, 3.0)
    assert x.grad.dtype == float
    assert wg.astensor(x, int).constant


def test_flags():
    assert wg.astensor(1).constant
    assert not wg.astensor([1.0]).constant
    assert wg.astensor([1.0], constant=True).constant
    assert not wg.astensor([1], float).constant
    with pytest.raises(ValueError, match="constant"):
        wg.astensor([1], constant=False)
    with pytest.raises(ValueError, match="constant"):
        wg.astensor(wg.tensor([1]), constant=False)
    with pytest.raises(TypeError, match="constant must be"):
        wg.astensor(X, constant="no")
    with pytest.raises(TypeError, match="constant must be"):
        wg.astensor(wg.tensor(X), constant="no")


def test_another_flag_leaves_the_tensor_as_it_was():
    c = wg.tensor([1.0, 2.0], constant=True)
    x = wg.astensor(c, constant=False)
    assert c.constant
    assert not x.constant
    assert np.shares_memory(c.data, x.data)
    np.sum(x * c).backward()
    assert x.grad.tolist() == [1.0, 2.0]
    assert c.grad is None


def test_inside_transformations():
    def f(x):
        return np.sum(wg.astensor(x) * wg.astensor(x, constant=True) * wg.astensor(x, np.float64))

    np.testing.assert_array_equal(wg.grad(f)(X), 2.0 * X * X)
    np.testing.assert_array_equal(wg.jvp(f, (X,), (X,))[1], 2.0 * np.sum(X**3))


def test_lists_of_tensors_are_recorded():
    x = wg.tensor(2.0)
    wg.astensor([x, 3.0 * x]).backward()
    assert x.grad == 4.0


# asarray


def test_the_memory_of_a_tensor():
    x = wg.tensor(X)
    assert wg.asarray(x) is x.data
    assert wg.asarray(x, float) is x.data
    assert wg.asarray(X) is X
    assert type(wg.asarray(wg.sum(x))) is np.ndarray


def test_conversions():
    assert wg.asarray(wg.tensor(X), np.float32).dtype == np.float32
    assert wg.asarray(wg.tensor(np.ones((2, 3))), None, "F").flags.f_contiguous
    assert wg.asarray([1, 2], copy=True).dtype == int
    x = wg.tensor(X)
    np.testing.assert_array_equal(wg.asarray([x, 2.0 * x]), [X, 2.0 * X])


def test_a_traced_array_is_refused():
    with pytest.raises(ConversionError, match=r"wg\.asarray"):
        wg.grad(lambda x: np.sum(wg.asarray(x)))(X)
    with pytest.raises(ConversionError):
        wg.grad(lambda x: np.sum(wg.asarray([x, x])))(X)
