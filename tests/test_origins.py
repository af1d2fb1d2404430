"""Programs and numbers from the documentation of the libraries that wengert grew from, to the last digit.

*backprop* (Haskell): records of numbers, functions with manual gradients, and their composition. MyGrad: arrays that
are changed after use.
"""

from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg

ORDER_OF_ADDITION = 4e-16
"""Two roundings: results that sum the same terms in another order."""


class MyType(NamedTuple):
    x: float
    y: float
    z: float


def my_func(mt):
    return mt.x * mt.y + mt.z


@wg.custom_gradient
def my_func_by_hand(mt):
    return mt.x * mt.y + mt.z, lambda d: MyType(d * mt.y, mt.x * d, d)


def softmax(y):
    e = np.exp(y)
    return e * (1 / np.sum(e))


def cross_entropy(x, y):
    return -np.dot(np.log(y), x)


def softmax_cross_entropy(x):
    def f(y):
        e = np.exp(y)
        return -np.dot(np.log(e * (1 / np.sum(e))), x)

    return f


def softmax_cross_entropy_by_hand(x):
    @wg.custom_gradient
    def f(y):
        s = softmax(y)
        return cross_entropy(x, s), lambda d: d * (s - x)

    return f


TARGET = np.array([1.0, 0.0, 0.0])
LOGITS = np.array([0.9, 0.2, 0.3])


@pytest.mark.parametrize("f", [my_func, my_func_by_hand])
def test_gradient_of_a_record(f):
    gradient = wg.grad(f)(MyType(5.0, 7.0, 2.0))
    assert gradient == MyType(7.0, 5.0, 1.0)
    assert type(gradient) is MyType


@pytest.mark.parametrize("f", [my_func, my_func_by_hand])
def test_gradient_through_a_function_of_a_record(f):
    gradient = wg.grad(lambda mt: -np.sqrt(f(mt)))(MyType(5.0, 7.0, 2.0))
    assert gradient == MyType(-0.5753964555687505, -0.41099746826339323, -8.219949365267865e-2)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (
            lambda y: cross_entropy(TARGET, softmax(y)),
            [-0.7314742091958236, 0.3474654731904, 0.38400873600542373],
        ),
        (softmax_cross_entropy(TARGET), [-0.7314742091958236, 0.3474654731904, 0.38400873600542373]),
        (softmax_cross_entropy_by_hand(TARGET), [-0.7314742091958235, 0.34746547319040005, 0.38400873600542373]),
    ],
    ids=["composition", "one function", "by hand"],
)
def test_softmax_cross_entropy_squared(f, expected):
    gradient = wg.grad(lambda y: f(y) ** 2)(LOGITS)
    np.testing.assert_allclose(gradient, expected, rtol=ORDER_OF_ADDITION, atol=0)


def test_softmax_cross_entropy_by_hand_is_softmax_minus_target():
    np.testing.assert_array_equal(wg.grad(softmax_cross_entropy_by_hand(TARGET))(LOGITS), softmax(LOGITS) - TARGET)


def test_higher_order_of_the_manual_gradient_is_that_of_the_composition():
    by_hand = wg.hessian(softmax_cross_entropy_by_hand(TARGET))(LOGITS)
    np.testing.assert_allclose(by_hand, wg.hessian(softmax_cross_entropy(TARGET))(LOGITS), rtol=1e-14, atol=1e-16)


def test_a_plain_array_times_a_tensor():
    x = np.arange(3.0)
    y = wg.tensor(np.ones_like(x))
    z = x * y
    z.backward()
    np.testing.assert_array_equal(y.grad, [0.0, 1.0, 2.0])
    x[:] = 0.0


def test_a_tensor_changed_in_place_after_its_use():
    x, y = wg.tensor(np.arange(3.0)), wg.tensor(np.ones(3))
    z = x * y
    x[:] = 0.0
    z.backward()
    np.testing.assert_array_equal(y.grad, [0.0, 1.0, 2.0])


def test_map_with_a_constant():
    """``y + 20`` for each element, as a loop over elements and as one operation."""

    def loop(x, y):
        for i in range(4):
            x[i] = y + 20
        return np.sum(x)

    gradients = wg.grad(loop, (0, 1))(np.zeros(4), 2.0)
    np.testing.assert_array_equal(gradients[0], np.zeros(4))
    assert gradients[1] == 4.0
    assert wg.grad(lambda y: np.sum(np.zeros(4) + (y + 20)))(2.0) == 4.0
