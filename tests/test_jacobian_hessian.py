"""``jacobian`` and ``hessian``."""

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, 2.0, 3.0])
M = np.arange(1.0, 7.0).reshape(2, 3)


def test_shape_is_the_values_followed_by_the_arguments():
    jacobian = wg.jacobian(lambda m: np.transpose(m) * 2.0)(M)
    assert jacobian.shape == (3, 2, 2, 3)
    np.testing.assert_array_equal(jacobian, 2 * np.einsum("ik,jl->jikl", np.eye(2), np.eye(3)))


def test_of_a_scalar_function_it_is_the_gradient():
    np.testing.assert_array_equal(wg.jacobian(lambda x: np.sum(x * x))(X), 2 * X)


def test_of_a_number():
    np.testing.assert_array_equal(wg.jacobian(lambda c: c * X)(2.0), X)


@pytest.mark.parametrize(("argnums", "count"), [((0, 1), 2), ((1,), 1), ([1, 0], 2)])
def test_argnums_of_several(argnums, count):
    jacobian = wg.jacobian(lambda x, y: x * y, argnums)(X, 2 * X)
    assert type(jacobian) is tuple
    assert len(jacobian) == count
    for i, j in zip(argnums, jacobian, strict=True):
        np.testing.assert_array_equal(j, np.diag((2 * X, X)[i]))


def test_trees_of_arguments_and_values():
    jacobian = wg.jacobian(lambda p: {"y": p["w"] * p["c"], "z": [p["c"]]})({"w": X, "c": 2.0})
    np.testing.assert_array_equal(jacobian["y"]["w"], 2 * np.eye(3))
    np.testing.assert_array_equal(jacobian["y"]["c"], X)
    np.testing.assert_array_equal(jacobian["z"][0]["w"], np.zeros(3))
    assert jacobian["z"][0]["c"] == 1.0


def test_keyword_arguments_are_passed_on():
    np.testing.assert_array_equal(wg.jacobian(lambda x, *, c: x * c)(X, c=3.0), 3 * np.eye(3))


def test_of_a_holomorphic_function_it_is_the_complex_derivative():
    z = np.array([1 + 2j, 3 - 1j])
    np.testing.assert_array_equal(wg.jacobian(lambda z: z * z)(z), np.diag(2 * z), strict=True)


def test_of_a_complex_function_of_real_numbers_it_is_complex():
    jacobian = wg.jacobian(lambda x: np.exp(1j * x))(X)
    np.testing.assert_allclose(jacobian, np.diag(1j * np.exp(1j * X)), rtol=1e-15)
    np.testing.assert_allclose(wg.jacobian(lambda x: 1j * x * x)(3.0), 6j)


@pytest.mark.parametrize(("outputs", "inputs"), [((0,), (3,)), ((3,), (0,)), ((0, 2), (0,))])
def test_empty_values_and_arguments(outputs, inputs):
    jacobian = wg.jacobian(lambda x: np.zeros(outputs) + np.sum(x))(np.ones(inputs))
    assert jacobian.shape == outputs + inputs
    assert jacobian.dtype == np.float64


def test_dtype_is_the_arguments():
    assert wg.jacobian(lambda x: x * X)(X.astype(np.float32)).dtype == np.float32


def test_hessian_of_an_array():
    hessian = wg.hessian(lambda x: np.sum(x * x * x) + x[0] * x[2])(X)
    np.testing.assert_array_equal(hessian, [[6, 0, 1], [0, 12, 0], [1, 0, 18]])


def test_hessian_of_a_matrix_argument():
    hessian = wg.hessian(lambda m: np.sum(m * m))(M)
    np.testing.assert_array_equal(hessian, 2 * np.eye(6).reshape(2, 3, 2, 3))


def test_hessian_of_a_tree():
    hessian = wg.hessian(lambda p: p["a"] * p["a"] * p["b"])({"a": 3.0, "b": 2.0})
    assert {i: {j: float(h) for j, h in row.items()} for i, row in hessian.items()} == {
        "a": {"a": 4.0, "b": 6.0},
        "b": {"a": 6.0, "b": 0.0},
    }


def test_hessian_by_several_arguments():
    hessian = wg.hessian(lambda x, y: np.sum(x * y), (0, 1))(X, 2 * X)
    np.testing.assert_array_equal(hessian[0][0], np.zeros((3, 3)))
    np.testing.assert_array_equal(hessian[0][1], np.eye(3))
    np.testing.assert_array_equal(hessian[1][0], np.eye(3))


def test_hessian_of_a_linear_function_is_zero():
    np.testing.assert_array_equal(wg.hessian(lambda x: np.sum(2.0 * x))(X), np.zeros((3, 3)))


def test_hessian_is_the_columns_of_hvp():
    def f(x):
        return np.sum(np.tanh(x) * np.sin(x[::-1]))

    columns = [wg.hvp(f, (X,), (unit,)) for unit in np.eye(3)]
    np.testing.assert_allclose(wg.hessian(f)(X), columns, rtol=1e-13, atol=1e-15)


def test_arguments_and_results_share_nothing():
    x = X.copy()
    jacobian = wg.jacobian(lambda x: x)(x)
    jacobian[...] = 7.0
    np.testing.assert_array_equal(x, X)
