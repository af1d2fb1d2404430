"""Activations: values, kinks and extremes, exactly; what they refuse."""

import numpy as np
import pytest

import wengert as wg
from wengert.nnet import (
    elu,
    glu,
    hard_tanh,
    leaky_relu,
    logsoftmax,
    relu,
    selu,
    sigmoid,
    soft_sign,
    softmax,
    tanh,
)

INF, NAN = np.inf, np.nan
X = np.array([-3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0])
ALPHA, SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def reverse(f, x):
    return wg.grad(lambda x: np.sum(f(x)))(np.asarray(x, float))


def forward(f, x):
    x = np.asarray(x, float)
    return wg.jvp(f, (x,), (np.ones_like(x),))[1]


def backward(f, x):
    t = wg.tensor(x)
    f(t).backward()
    return t.grad


MODES = pytest.mark.parametrize("gradient", [reverse, forward, backward])


@MODES
def test_kinks_of_relu(gradient):
    np.testing.assert_array_equal(gradient(relu, X), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(backward(relu, [-INF, INF, NAN]), [0.0, 1.0, 0.0])


@MODES
def test_kinks_of_leaky_relu(gradient):
    f = lambda x: leaky_relu(x, 0.1)  # noqa: E731 - named as the others are
    np.testing.assert_array_equal(gradient(f, X), [0.1, 0.1, 0.1, 0.0, 0.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(backward(f, [-INF, INF]), [0.1, 1.0])


@MODES
def test_kinks_of_hard_tanh(gradient):
    np.testing.assert_array_equal(gradient(hard_tanh, X), [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    f = lambda x: hard_tanh(x, lower_bound=0, upper_bound=0.5)  # noqa: E731
    np.testing.assert_array_equal(gradient(f, [-1.0, 0.0, 0.25, 0.5, 1.0]), [0.0, 0.0, 1.0, 0.0, 0.0])


@MODES
def test_kinks_of_elu_and_selu(gradient):
    below = X < 0
    np.testing.assert_allclose(gradient(lambda x: elu(x, 0.5), X), np.where(below, 0.5 * np.exp(X), 1.0), atol=1e-16)
    np.testing.assert_allclose(gradient(selu, X), np.where(below, SCALE * ALPHA * np.exp(X), SCALE), atol=4e-16)
    assert gradient(lambda x: elu(x, 0.5), [0.0, -0.0]).tolist() == [1.0, 1.0]
    assert gradient(selu, [0.0, -0.0]).tolist() == [SCALE, SCALE]
    assert backward(lambda x: elu(x, 0.5), [INF, -INF]).tolist() == [1.0, 0.0]


@MODES
def test_kink_of_soft_sign(gradient):
    np.testing.assert_array_equal(gradient(soft_sign, [-1.0, -0.0, 0.0, 3.0]), [0.25, 1.0, 1.0, 0.0625])
    assert gradient(lambda x: x * wg.grad(lambda x: soft_sign(x))(x), 0.0) == 1.0
    assert wg.grad(wg.grad(soft_sign))(0.0) == 0.0


def test_values():
    np.testing.assert_array_equal(relu(X).data, np.maximum(X, 0.0))
    np.testing.assert_array_equal(leaky_relu(X, 0.1).data, np.where(X > 0, X, 0.1 * X))
    np.testing.assert_array_equal(hard_tanh(X).data, np.clip(X, -1.0, 1.0))
    np.testing.assert_allclose(elu(X, 0.5).data, np.where(X > 0, X, 0.5 * np.expm1(X)), rtol=1e-15)
    np.testing.assert_allclose(selu(X).data, SCALE * np.where(X > 0, X, ALPHA * np.expm1(X)), rtol=1e-15)
    np.testing.assert_allclose(sigmoid(X).data, 1.0 / (1.0 + np.exp(-X)), rtol=1e-15)
    np.testing.assert_allclose(soft_sign(X).data, X / (1.0 + np.abs(X)), rtol=1e-15)
    np.testing.assert_array_equal(tanh(X).data, np.tanh(X))
    np.testing.assert_allclose(glu(X).data, X[:4] / (1.0 + np.exp(-X[4:])), rtol=1e-15)


def test_elu_of_small_numbers_keeps_its_digits():
    np.testing.assert_allclose(elu([-1e-12], 2.0).data, [-2e-12], rtol=1e-11)


def test_bounds_the_wrong_way_round_give_the_lower_one():
    np.testing.assert_array_equal(hard_tanh(X, lower_bound=1, upper_bound=-1).data, np.ones(8))


def test_parameters_may_be_tensors():
    x = np.array([-2.0, 0.0, 3.0])
    slope, alpha, low, high = [wg.tensor(v) for v in (0.1, [0.5], -1.0, 1.0)]
    leaky_relu(x, slope).backward()
    assert slope.grad == -2.0
    elu(x, alpha).backward()
    np.testing.assert_allclose(alpha.grad, [np.expm1(-2.0)], rtol=1e-15)
    hard_tanh(x, lower_bound=low, upper_bound=high).backward()
    assert (low.grad, high.grad) == (1.0, 1.0)
    single = leaky_relu(np.float32([-1.0]), slope)
    assert single.dtype == np.float32


@pytest.mark.parametrize("f", [lambda p: elu(X, p), lambda p: leaky_relu(X, p), lambda p: hard_tanh(X, lower_bound=p)])
def test_parameters_must_be_single_real_numbers(f):
    for wrong in (None, "a", 1j, [2.0]):
        with pytest.raises(TypeError, match="must be a real number"):
            f(wrong)
    for wrong in (np.ones(2), wg.tensor([1.0, 2.0])):
        with pytest.raises(ValueError, match="single number"):
            f(wrong)
    np.testing.assert_array_equal(f(np.float64(0.5)).data, f(0.5).data)
    np.testing.assert_array_equal(f(wg.tensor(0.5, constant=True)).data, f(0.5).data)
    assert np.float32(f(0.5).data).dtype == np.float32


def test_numbers_do_not_widen():
    x = np.float32(X)
    for y in (
        elu(x, np.float64(0.5)),
        leaky_relu(x, np.array(0.1)),
        hard_tanh(x, upper_bound=np.float64(0.5)),
        selu(x),
    ):
        assert y.dtype == np.float32


@MODES
def test_sigmoid_of_large_numbers(gradient):
    x = np.array([-1e4, -800.0, -40.0, 40.0, 800.0, 1e4, -INF, INF])
    expected = np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))
    np.testing.assert_allclose(sigmoid(x).data, expected, rtol=1e-15)
    g = gradient(sigmoid, x)
    np.testing.assert_allclose(g, np.exp(-np.abs(x)), rtol=1e-15, atol=1e-16)


def test_sigmoid_of_half_precision_keeps_small_results():
    x = np.float16([-15.0, -12.0])
    np.testing.assert_array_equal(sigmoid(x).data, np.float16(1.0 / (1.0 + np.exp(-x.astype(float)))))


def test_sigmoid_to_third_order():
    """The first derivative is y (1 - y), so the third is that times 1 - 6 y + 6 y²."""
    x = np.linspace(-6.0, 6.0, 25)
    y = 1.0 / (1.0 + np.exp(-x))
    third = wg.grad(wg.grad(wg.grad(sigmoid)))
    np.testing.assert_allclose([third(v) for v in x], y * (1 - y) * (1 - 6 * y + 6 * y * y), rtol=1e-12, atol=1e-15)


@MODES
def test_softmax_of_large_numbers(gradient):
    x = np.array([[1e4, -1e4, 0.0], [1e308, -1e308, 1e308], [-1e4, -1e4, -1e4 - 1.0]])
    e = np.exp(-1.0)
    expected = np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [1 / (2 + e), 1 / (2 + e), e / (2 + e)]])
    np.testing.assert_allclose(softmax(x).data, expected, rtol=1e-14)
    assert np.isfinite(gradient(lambda x: softmax(x) * np.arange(3.0), x)).all()


def test_logsoftmax_of_large_numbers():
    x = np.array([[1e4, -1e4, 0.0], [2e50, 2e50, 1e50]])
    ln2 = np.log(2.0)
    np.testing.assert_allclose(logsoftmax(x).data, [[0.0, -2e4, -1e4], [-ln2, -ln2, -1e50]], rtol=1e-14)
    for gradient in (reverse, backward):
        np.testing.assert_allclose(gradient(lambda x: logsoftmax(x)[:, 0], x), [[0.0, 0.0, 0.0], [0.5, -0.5, 0.0]])


def test_equal_infinities_have_equal_shares():
    x = np.array([[-INF, -INF], [-INF, 0.0], [INF, INF], [INF, 0.0]])
    np.testing.assert_array_equal(softmax(x).data, [[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
    ln2 = np.log(2.0)
    np.testing.assert_allclose(logsoftmax(x).data, [[-ln2, -ln2], [-INF, 0.0], [-ln2, -ln2], [0.0, -INF]])
    expected = [[0.25, -0.25], [0.0, 0.0], [0.25, -0.25], [0.0, 0.0]]
    for gradient in (reverse, backward):
        np.testing.assert_array_equal(gradient(lambda x: softmax(x)[:, 0], x), expected)
    np.testing.assert_array_equal(softmax(np.float32([-INF, -INF])).data, np.float32([0.5, 0.5]))


def test_axes_of_softmax():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for axis in (0, 1, -1, (0, 2), (1,), None, np.int64(1)):
        e = np.exp(x)
        expected = e / e.sum(axis=axis, keepdims=True)
        np.testing.assert_allclose(softmax(x, axis).data, expected, rtol=1e-14)
        np.testing.assert_allclose(logsoftmax(x, axis).data, np.log(expected), rtol=1e-13)
    np.testing.assert_array_equal(softmax(x, ()).data, np.ones(x.shape))


@pytest.mark.parametrize("f", [softmax, logsoftmax])
def test_softmax_of_single_numbers_and_of_nothing(f):
    assert f(2.0).data == (1.0 if f is softmax else 0.0)
    assert f(2.0, None).shape == ()
    for shape in ((0,), (0, 3), (3, 0)):
        assert f(np.zeros(shape)).shape == shape


@pytest.mark.parametrize("f", [softmax, logsoftmax])
def test_bad_axes_of_softmax(f):
    for axis in (2, -3, (0, 5)):
        with pytest.raises(np.exceptions.AxisError):
            f(np.ones((2, 3)), axis)
    with pytest.raises(TypeError):
        f(np.ones((2, 3)), "a")
    with pytest.raises(ValueError, match="duplicate"):
        f(np.ones((2, 3)), (0, 0))


def test_glu_refuses_what_has_no_halves():
    with pytest.raises(ValueError, match="odd length 3"):
        glu(np.ones((2, 3)))
    with pytest.raises(IndexError, match="out of bounds"):
        glu(np.ones((2, 4)), 2)
    with pytest.raises(IndexError, match="out of bounds"):
        glu(1.0)
    for axis in (None, (0,), 1.0, "a"):
        with pytest.raises(TypeError, match="axis must be an integer"):
            glu(np.ones((2, 4)), axis)


def test_integers_and_sequences():
    assert relu([-1, 2]).dtype == np.int64
    assert hard_tanh(np.int8([-3, 2])).data.tolist() == [-1, 1]
    for f in (sigmoid, softmax, logsoftmax, soft_sign, selu, lambda x: elu(x, 1), lambda x: leaky_relu(x, 0.5), glu):
        y = f(np.array([1, 2], np.int8))
        assert y.dtype == np.float64
        assert y.constant
        np.testing.assert_array_equal(y.data, f([1.0, 2.0]).data)
    with pytest.raises(ValueError, match="constant=False"):
        relu([1, 2], constant=False)


def test_a_zero_that_was_not_selected_stays_zero():
    """As with ``np.maximum``: what is cut off sends back nothing, not 0 times infinity."""
    assert wg.grad(lambda x: relu(np.sqrt(x) - 1.0))(0.0) == 0.0
    assert wg.grad(lambda x: hard_tanh(-2.0 - np.sqrt(x)))(0.0) == 0.0


@pytest.mark.parametrize("f", [elu, glu, leaky_relu, logsoftmax, selu, sigmoid, soft_sign, softmax, tanh])
def test_of_integers_constants(f):
    y = f(wg.tensor([[1, 2], [3, 4]]), *((1.0,) if f is elu else (0.1,) if f is leaky_relu else ()))
    assert y.dtype == float
    assert y.constant


@pytest.mark.filterwarnings("error")
def test_slope_of_soft_sign_overflows_nowhere():
    assert wg.grad(soft_sign)(1e300) == 0.0
    assert wg.grad(soft_sign)(np.float32(-1e30)) == 0.0
    assert wg.grad(wg.grad(soft_sign))(1e300) == 0.0
