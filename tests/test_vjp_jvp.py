"""``vjp``, ``jvp`` and ``hvp``."""

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, 2.0])
Y = np.array([3.0, 4.0])


def test_vjp_of_one_primal_is_bare():
    value, pullback = wg.vjp(lambda x: x * x, X)
    np.testing.assert_array_equal(value, X * X)
    assert type(value) is np.ndarray
    np.testing.assert_array_equal(pullback(np.array([1.0, 10.0])), [2.0, 40.0], strict=True)


def test_vjp_of_several_primals_is_a_tuple():
    _, pullback = wg.vjp(lambda x, y: x * y, X, Y)
    pulled = pullback(np.ones(2))
    assert type(pulled) is tuple
    np.testing.assert_array_equal(pulled, (Y, X))


def test_vjp_of_trees():
    def f(p):
        return {"a": [p["w"] * 2.0], "b": (p["w"] * p["c"],)}

    value, pullback = wg.vjp(f, {"w": X, "c": 3.0})
    np.testing.assert_array_equal(value["b"][0], 3 * X)
    pulled = pullback({"a": [np.ones(2)], "b": (Y,)})
    np.testing.assert_array_equal(pulled["w"], 2 + 3 * Y)
    assert pulled["c"] == 11.0
    assert type(pulled["c"]) is float


def test_a_pullback_works_any_number_of_times():
    _, pullback = wg.vjp(lambda x: np.sin(x) * x, X)
    first, second = pullback(np.ones(2)), pullback(np.ones(2))
    np.testing.assert_array_equal(first, second)
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(pullback(np.zeros(2)), np.zeros(2))


def test_a_pullback_takes_python_numbers_for_scalars():
    _, pullback = wg.vjp(lambda x: x * x, 3.0)
    assert pullback(2.0) == 12.0


def test_a_pullback_is_of_the_values_then():
    x = X.copy()
    value, pullback = wg.vjp(lambda x: x * x, x)
    x[:] = 0.0
    value[:] = 0.0
    np.testing.assert_array_equal(pullback(np.ones(2)), 2 * X)


def test_a_pullback_leaves_the_cotangent_alone_and_shares_nothing_with_it():
    g = np.ones(2)
    _, pullback = wg.vjp(lambda x: x, X)
    pulled = pullback(g)
    assert not np.shares_memory(pulled, g)
    pulled[:] = 7.0
    np.testing.assert_array_equal(g, np.ones(2))


def test_vjp_with_aux():
    value, pullback, aux = wg.vjp(lambda x: (x * x, {"kept": x + 1.0}), X, has_aux=True)
    np.testing.assert_array_equal(value, X * X)
    np.testing.assert_array_equal(pullback(np.ones(2)), 2 * X)
    assert type(aux["kept"]) is np.ndarray


def test_outputs_that_are_the_same_or_views_of_one_another():
    _, pullback = wg.vjp(lambda x: (x, x, x[:1]), X)
    np.testing.assert_array_equal(pullback((np.ones(2), 10 * np.ones(2), np.array([100.0]))), [111.0, 11.0])


def test_jvp_returns_value_and_tangent():
    value, tangent = wg.jvp(lambda x, y: x * y, (X, Y), (np.ones(2), 10 * np.ones(2)))
    np.testing.assert_array_equal(value, X * Y)
    np.testing.assert_array_equal(tangent, Y + 10 * X)
    assert type(tangent) is np.ndarray


def test_jvp_of_trees():
    value, tangent = wg.jvp(lambda p: {"y": [p["w"] * p["c"]]}, ({"w": X, "c": 3.0},), ({"w": Y, "c": 1.0},))
    np.testing.assert_array_equal(value["y"][0], 3 * X)
    np.testing.assert_array_equal(tangent["y"][0], 3 * Y + X)


def test_jvp_of_what_does_not_depend_is_zero():
    value, tangent = wg.jvp(lambda x: (wg.tensor([5.0, 6.0]), np.sum(x)), (X,), (Y,))
    np.testing.assert_array_equal(value[0], [5.0, 6.0])
    np.testing.assert_array_equal(tangent[0], np.zeros(2))
    assert tangent[1] == 7.0


def test_jvp_with_aux():
    value, tangent, aux = wg.jvp(lambda x: (x * x, x + 1.0), (X,), (Y,), has_aux=True)
    np.testing.assert_array_equal(value, X * X)
    np.testing.assert_array_equal(tangent, 2 * X * Y)
    assert type(aux) is np.ndarray


def test_jvp_keeps_dtypes():
    value, tangent = wg.jvp(lambda x: 2.0 * x, (X.astype(np.float32),), (Y,))
    assert value.dtype == tangent.dtype == np.float32


def test_jvp_leaves_arguments_alone_and_shares_nothing():
    x, t = X.copy(), Y.copy()

    def f(x):
        x[0] = x[1]
        return x

    value, tangent = wg.jvp(f, (x,), (t,))
    np.testing.assert_array_equal(value, [2.0, 2.0])
    np.testing.assert_array_equal(tangent, [4.0, 4.0])
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(t, Y)
    assert not np.shares_memory(value, tangent)


def test_jvp_results_are_the_callers_own():
    x, t = X.copy(), Y.copy()
    value, tangent = wg.jvp(lambda x: x, (x,), (t,))
    assert not np.shares_memory(value, x)
    assert not np.shares_memory(tangent, t)


def test_hvp_of_one_primal_is_bare():
    product = wg.hvp(lambda x: np.sum(x * x * x), (X,), (Y,))
    np.testing.assert_array_equal(product, 6 * X * Y, strict=True)


def test_hvp_of_several_primals_is_a_tuple():
    product = wg.hvp(lambda x, y: np.sum(x * x * y), (X, Y), (np.ones(2), np.zeros(2)))
    assert type(product) is tuple
    np.testing.assert_array_equal(product, (2 * Y, 2 * X))


def test_hvp_of_a_tree():
    product = wg.hvp(lambda p: p["a"] * p["a"] * p["b"], ({"a": 3.0, "b": 2.0},), ({"a": 1.0, "b": 0.0},))
    assert product == {"a": 4.0, "b": 6.0}


def test_hvp_of_a_linear_function_is_zero():
    np.testing.assert_array_equal(wg.hvp(lambda x: np.sum(2.0 * x), (X,), (Y,)), np.zeros(2))


def test_forward_and_reverse_agree_with_the_written_derivative():
    def f(x):
        return np.tanh(x) * np.sin(x[::-1])

    t, g = np.array([0.3, -1.0]), np.array([2.0, 0.5])
    jacobian = np.diag((1 - np.tanh(X) ** 2) * np.sin(X[::-1])) + np.fliplr(np.diag(np.tanh(X) * np.cos(X[::-1])))
    np.testing.assert_allclose(wg.jvp(f, (X,), (t,))[1], jacobian @ t, rtol=1e-14)
    np.testing.assert_allclose(wg.vjp(f, X)[1](g), g @ jacobian, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64])
def test_products_have_the_dtypes_of_what_they_belong_to(dtype):
    x = X.astype(dtype)
    value, pullback = wg.vjp(lambda x: x * x, x)
    assert value.dtype == dtype
    assert pullback(np.ones(2)).dtype == dtype
    assert wg.jvp(lambda x: x * x, (x,), (np.ones(2),))[1].dtype == dtype
