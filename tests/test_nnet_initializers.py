"""Initial values: shapes, distributions, dtypes, and what is refused."""

# ruff: noqa: NPY002 - the global generator is what is documented

import numpy as np
import pytest

import wengert as wg
from wengert.nnet import initializers

DRAWN = {
    "normal": (initializers.normal, "normal", 0.0, 1.0),
    "uniform": (initializers.uniform, "uniform", 0.5, 1 / 12**0.5),
    "glorot_normal": (initializers.glorot_normal, "normal", 0.0, (2 / (9 * 6)) ** 0.5),
    "glorot_uniform": (initializers.glorot_uniform, "uniform", 0.0, (2 / (9 * 6)) ** 0.5),
    "he_normal": (initializers.he_normal, "normal", 0.0, (1 / (5 * 6)) ** 0.5),
    "he_uniform": (initializers.he_uniform, "uniform", 0.0, (1 / (5 * 6)) ** 0.5),
}
"""Name: the function, its distribution, mean and standard deviation for the shape (4, 5, 2, 3)."""
WEIGHTS = [name for name in DRAWN if "_" in name]
RANDOM = pytest.mark.parametrize("name", DRAWN)


@RANDOM
def test_distributions(name):
    """The numbers are those of NumPy's global generator, shifted and scaled."""
    f, distribution, mean, std = DRAWN[name]
    np.random.seed(3)
    found = f(4, 5, 2, 3, dtype=float)
    np.random.seed(3)
    if distribution == "normal":
        expected = np.random.normal(mean, std, (4, 5, 2, 3))
    else:
        expected = np.random.uniform(mean - 3**0.5 * std, mean + 3**0.5 * std, (4, 5, 2, 3))
    np.testing.assert_allclose(found.data, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", WEIGHTS)
def test_gains_scale(name):
    f = DRAWN[name][0]
    np.random.seed(0)
    one = f(3, 2, dtype=float).data
    np.random.seed(0)
    np.testing.assert_allclose(f(3, 2, gain=2.5, dtype=float).data, 2.5 * one, rtol=1e-14)


def test_parameters_of_distributions():
    np.random.seed(0)
    found = initializers.normal(1000, mean=3, std=2, dtype=float).data
    np.random.seed(0)
    np.testing.assert_array_equal(found, np.random.normal(3, 2, 1000))
    np.random.seed(0)
    found = initializers.uniform(1000, lower_bound=-3, upper_bound=2, dtype=float).data
    np.random.seed(0)
    np.testing.assert_array_equal(found, np.random.uniform(-3, 2, 1000))


@RANDOM
def test_dtypes_and_constants(name):
    f = DRAWN[name][0]
    y = f(3, 2)
    assert (type(y), y.dtype, y.constant) == (wg.Tensor, np.float32, False)
    assert f(3, 2, constant=True).constant
    for dtype in (np.float16, "float32", float, None):
        assert f(3, 2, dtype=dtype).dtype == np.dtype(dtype)
    for dtype in (int, bool, complex, "S1"):
        with pytest.raises(ValueError, match="floating-point"):
            f(3, 2, dtype=dtype)
    with pytest.raises(TypeError, match="constant must be"):
        f(3, 2, constant=1)


@pytest.mark.parametrize("name", [*DRAWN, "constant", "dirac"])
def test_shapes(name):
    f = getattr(initializers, name)
    for given in ((2, 3), ((2, 3),), ([2, 3],), (np.int64(2), 3), (np.array([2, 3]),)):
        assert f(*given).shape == (2, 3)
    assert f(0, 3).shape == (0, 3)
    assert f(3, 0).shape == (3, 0)
    assert f(2, 3, 4, 5).shape == (2, 3, 4, 5)
    for wrong in ((2.0, 3), ("a", 2), ((2, 3), 4), (None, 2)):
        with pytest.raises(TypeError):
            f(*wrong)
    with pytest.raises(ValueError, match="negative"):
        f(-1, 2)


@pytest.mark.parametrize("name", [*WEIGHTS, "dirac"])
def test_weights_have_two_axes(name):
    for shape in ((), (4,), ((4,),)):
        with pytest.raises(ValueError, match=f"{name}: weights have at least two axes"):
            getattr(initializers, name)(*shape)


def test_other_shapes():
    assert initializers.normal(4).shape == (4,)
    assert initializers.uniform().shape == ()
    assert initializers.constant(()).shape == ()


def test_constant():
    for value, dtype in ((0.5, float), (3, int), (True, bool)):
        y = initializers.constant(2, 3, value=value)
        np.testing.assert_array_equal(y.data, np.full((2, 3), value))
        assert y.dtype == dtype
        assert y.constant is (dtype is not float)
    assert initializers.constant(2).data.tolist() == [0.0, 0.0]
    assert initializers.constant(2, value=3, dtype=np.float32).dtype == np.float32
    assert initializers.constant(2, 3, value=[1, 2, 3]).data.tolist() == [[1, 2, 3]] * 2
    assert initializers.constant(2, value=wg.tensor(2.5)).data.tolist() == [2.5, 2.5]
    assert initializers.constant(2, constant=True).constant
    for value in ("a", None):
        with pytest.raises(TypeError):
            initializers.constant(2, value=value)
    with pytest.raises(ValueError, match="constant"):
        initializers.constant(2, value=3, constant=False)


def test_dirac():
    y = initializers.dirac(2, 3, 4)
    expected = np.zeros((2, 3, 4))
    expected[0, 0, 2] = expected[1, 1, 2] = 1.0
    np.testing.assert_array_equal(y.data, expected)
    assert (y.dtype, y.constant) == (np.float32, False)
    assert initializers.dirac(2, 2, dtype=int).constant


def test_identity():
    y = initializers.identity(3)
    np.testing.assert_array_equal(y.data, np.eye(3))
    assert (y.dtype, y.constant) == (np.float64, False)
    assert initializers.identity(2, int).constant
    assert initializers.identity(2, constant=True).constant


def test_bad_parameters():
    with pytest.raises(ValueError, match="must not be negative"):
        initializers.normal(2, std=-1)
    with pytest.raises(ValueError, match="must not be negative"):
        initializers.he_normal(2, 2, gain=-1)
    for bounds in ((1, 1), (1, 0)):
        with pytest.raises(ValueError, match="less than"):
            initializers.uniform(2, lower_bound=bounds[0], upper_bound=bounds[1])
