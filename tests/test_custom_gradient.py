"""``custom_gradient`` and ``stop_gradient``."""

from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.errors import InvalidGradient, OutputError
from wengert.testing import check_grads, check_orders

X = np.array([0.5, -1.0, 2.0])
Y = np.array([3.0, 4.0, 5.0])


class Pair(NamedTuple):
    w: object
    b: object


@wg.custom_gradient
def marked(x):
    """Twice the gradient of x², so that its use shows."""
    return x * x, lambda g: g * 4.0 * x


@wg.custom_gradient
def product(a, b):
    return a * b, lambda g: (g * b, g * a)


@wg.custom_gradient
def dense(p, x):
    """A record and an array as arguments, a dict as value."""

    def pullback(g):
        return Pair(g["y"] * x, np.sum(g["y"]) + g["s"]), g["y"] * p.w

    return {"y": p.w * x + p.b, "s": p.b * 1.0}, pullback


def test_its_gradient_is_the_one_given():
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(marked(x)))(X), 4 * X)
    assert wg.grad(marked)(3.0) == 12.0


def test_in_backward():
    x = wg.tensor(X)
    marked(x).backward()
    np.testing.assert_array_equal(x.grad, 4 * X)


def test_in_forward_mode():
    np.testing.assert_array_equal(wg.jvp(marked, (X,), (Y,))[1], 4 * X * Y)


def test_on_plain_arrays_it_is_the_function():
    y = marked(X)
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, X * X)
    assert product(2.0, 3.0) == 6.0


def test_it_keeps_name_and_docstring():
    assert marked.__name__ == "marked"
    assert marked.__doc__.startswith("Twice")


def test_several_arguments():
    check_grads(product, (X, Y), order=3)


def test_several_arguments_of_which_one_is_constant():
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(product(x, Y)))(X), Y)
    np.testing.assert_array_equal(wg.grad(lambda y: np.sum(product(X, y)))(Y), X)


def test_the_same_array_twice():
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(product(x, x)))(X), 2 * X)


def test_trees_of_arguments_and_values():
    check_grads(dense, (Pair(X, 2.0), Y), order=3)


def test_several_values_used_apart():
    gradient = wg.grad(lambda p: dense(p, Y)["s"])(Pair(X, 2.0))
    np.testing.assert_array_equal(gradient.w, np.zeros(3))
    assert gradient.b == 1.0


def test_values_of_different_shapes():
    @wg.custom_gradient
    def f(x):
        return (x * 2.0, [np.sum(x)], np.reshape(x, (3, 1))), lambda g: 2 * g[0] + g[1][0] + g[2][:, 0]

    check_grads(f, (X,), order=3)


def test_a_pullback_may_ignore_its_cotangent():
    @wg.custom_gradient
    def flat(x, y):
        return x + y, lambda g: (np.zeros(3), g)

    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(flat(x, Y)))(X), np.zeros(3))
    np.testing.assert_array_equal(wg.jvp(flat, (X, Y), (X, Y))[1], Y)


@pytest.mark.parametrize("mode", [wg.grad, wg.jacobian])
def test_none_stands_for_no_derivative(mode):
    @wg.custom_gradient
    def scaled(x, how):
        return x * how["by"], lambda g: (g * how["by"], None)

    first, second = mode(lambda x, how: np.sum(scaled(x, how)), (0, 1))(X, {"by": 3.0})
    np.testing.assert_array_equal(first, [3.0, 3.0, 3.0])
    assert second["by"] == 0.0


def test_none_for_a_single_argument():
    @wg.custom_gradient
    def cut(x):
        return x * 2.0, lambda g: None

    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(cut(x) + x))(X), np.ones(3))


def test_arguments_that_are_no_arrays():
    @wg.custom_gradient
    def power(x, n, name):
        assert name == "cube"
        return x**n, lambda g: (g * n * x ** (n - 1), None, None)

    check_grads(lambda x: power(x, 3, "cube"), (X,), order=3)


def test_higher_order_differentiates_the_pullback():
    @wg.custom_gradient
    def sine(x):
        return np.sin(x), lambda g: g * np.cos(x)

    check_orders(sine, (X,), order=3)
    assert wg.grad(wg.grad(wg.grad(sine)))(0.5) == -np.cos(0.5)


def test_one_inside_another():
    @wg.custom_gradient
    def outer(x):
        return marked(x), lambda g: g * marked(x)

    assert wg.grad(outer)(3.0) == 9.0
    assert wg.grad(wg.grad(outer))(3.0) == 12.0


def test_a_closure_over_what_is_traced_outside():
    def f(a, x):
        @wg.custom_gradient
        def scaled(x):
            return a * x, lambda g: g * a

        return scaled(x)

    assert wg.grad(lambda a: wg.grad(lambda x: f(a, x) * x)(3.0))(2.0) == 6.0


def test_float32_stays_float32():
    x = X.astype(np.float32)
    value, gradient = wg.value_and_grad(lambda x: np.sum(marked(x)))(x)
    assert value.dtype == gradient.dtype == np.float32


def test_complex_pullbacks_are_taken_as_they_are():
    @wg.custom_gradient
    def square(z):
        return z * z, lambda g: g * 2 * np.conj(z)

    check_grads(square, (X + 1j * Y,))


def test_a_pullback_may_return_python_numbers_and_integers():
    @wg.custom_gradient
    def f(x):
        return x * 3.0, lambda g: 3

    assert wg.grad(f)(1.0) == 3.0


@pytest.mark.parametrize(
    ("pullback", "message"),
    [
        (lambda g: g[:2], r"returned shape \(2,\) for argument 0, whose shape is \(3,\)"),
        (lambda g: (g, g), "takes one argument|a tuple of 2|2 array"),
        (lambda g: "gradient", "argument 0"),
        (lambda g: {}, r"0 array\(s\) for argument 0, which has 1"),
    ],
    ids=["shape", "too many", "string", "no arrays"],
)
def test_a_pullback_of_one_argument_must_match_it(pullback, message):
    @wg.custom_gradient
    def bad(x):
        return x * 1.0, pullback

    with pytest.raises(InvalidGradient, match=message) as caught:
        wg.grad(lambda x: np.sum(bad(x)))(X)
    assert "bad" in str(caught.value)


@pytest.mark.parametrize(
    ("pullback", "message"),
    [
        (lambda g: g, "must return a tuple of 2 cotangents, one an argument; it returned a ndarray"),
        (lambda g: (g,), "it returned a tuple of 1"),
        (lambda g: (g, g, g), "it returned a tuple of 3"),
        (lambda g: [g, g], "it returned a list"),
        (lambda g: (g, g[:1]), r"returned shape \(1,\) for argument 1, whose shape is \(3,\)"),
    ],
    ids=["no tuple", "too few", "too many", "a list", "shape"],
)
def test_a_pullback_of_two_arguments_must_match_them(pullback, message):
    @wg.custom_gradient
    def bad(x, y):
        return x * y, pullback

    with pytest.raises(InvalidGradient, match=message):
        wg.grad(lambda x: np.sum(bad(x, Y)))(X)


@pytest.mark.parametrize(
    "returned",
    [None, X, (X,), (X, X), (X, lambda g: g, 1), [X, lambda g: g]],
    ids=["None", "value alone", "one", "no function", "three", "list"],
)
@pytest.mark.parametrize("traced", [True, False])
def test_the_function_must_return_value_and_pullback(returned, traced):
    @wg.custom_gradient
    def bad(x):
        return returned

    with pytest.raises(OutputError, match=r"bad is decorated with custom_gradient and must return \(value, pullback\)"):
        bad(wg.tensor(X) if traced else X)


def test_the_value_must_be_arrays():
    @wg.custom_gradient
    def bad(x):
        return {"y": "text"}, lambda g: g

    with pytest.raises(OutputError, match="bad must return arrays as its value; it returned a str"):
        bad(wg.tensor(X))


def test_stop_gradient_keeps_the_value_and_stops_the_derivative():
    value, gradient = wg.value_and_grad(lambda x: np.sum(x * wg.stop_gradient(x)))(X)
    assert value == np.sum(X * X)
    np.testing.assert_array_equal(gradient, X)
    np.testing.assert_array_equal(wg.jvp(lambda x: x * wg.stop_gradient(x), (X,), (Y,))[1], X * Y)


def test_stop_gradient_at_every_order():
    f = wg.grad(lambda x: x * x * wg.stop_gradient(x))
    assert f(3.0) == 18.0
    assert wg.grad(f)(3.0) == 6.0
    assert wg.grad(lambda a: wg.grad(lambda x: wg.stop_gradient(a * x) * x)(2.0) + a)(3.0) == 1.0


def test_stop_gradient_of_trees_and_plain_values():
    stopped = wg.stop_gradient({"a": wg.tensor(X), "b": (X, 2.0)})
    assert stopped["a"].constant
    assert stopped["b"][0] is X
    assert stopped["b"][1] == 2.0


def test_stop_gradient_lets_plain_numbers_out():
    def f(x):
        return x * float(wg.stop_gradient(x))

    assert wg.grad(f)(3.0) == 3.0


def test_a_closure_over_what_the_same_transformation_traces_raises():
    def f(z):
        h = wg.custom_gradient(lambda x: (x * z, lambda g: g * z))
        return h(z)

    for transform in (lambda: wg.grad(f)(3.0), lambda: wg.jvp(f, (3.0,), (1.0,))):
        with pytest.raises(OutputError, match="not among its arguments"):
            transform()


def test_a_pullback_may_update_its_cotangent():
    @wg.custom_gradient
    def square(x):
        def pullback(g):
            g *= 2 * x
            return g

        return x * x, pullback

    x, seed = np.array([1.0, 2.0]), np.ones(2)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(square(x) + x))(x), [3.0, 5.0])
    np.testing.assert_array_equal(wg.vjp(square, x)[1](seed), [2.0, 4.0])
    np.testing.assert_array_equal(wg.jvp(square, (x,), (seed,))[1], [2.0, 4.0])
    np.testing.assert_array_equal(seed, [1.0, 1.0])


def test_a_function_that_writes_to_its_argument_raises():
    doubled = wg.custom_gradient(lambda x: (np.multiply(x, 2.0, out=x), lambda g: 2.0 * g))
    x = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        wg.grad(lambda x: np.sum(doubled(x)))(x)
    np.testing.assert_array_equal(x, [1.0, 2.0])
