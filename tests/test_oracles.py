"""The oracles that derivatives are held against, on functions whose Jacobians are known."""

import mpmath
import numpy as np
import pytest

from wengert.errors import InputError
from wengert.testing import complex_step_jacobian, mpmath_derivative, richardson_jacobian


def test_complex_step_is_exact_to_rounding():
    x = np.array([0.3, 1.7, -2.0])
    np.testing.assert_allclose(complex_step_jacobian(np.sin, x), np.diag(np.cos(x)), rtol=4e-16)


def test_columns_are_the_arguments_in_order_and_rows_the_results():
    def f(a, rest):
        return {"y": a * rest["b"], "z": [np.sum(a)]}

    jacobian = complex_step_jacobian(f, np.array([2.0, 3.0]), {"b": 5.0, "n": 7})
    np.testing.assert_allclose(jacobian, [[5, 0, 2], [0, 5, 3], [1, 1, 0]], rtol=1e-15)


def test_complex_step_refuses_complex_arguments():
    with pytest.raises(InputError, match="richardson_jacobian"):
        complex_step_jacobian(np.sin, np.array([1j]))


def test_complex_step_refuses_functions_that_drop_the_imaginary_part():
    with pytest.raises(InputError, match="not analytic"):
        complex_step_jacobian(np.abs, np.array([1.0]))


@pytest.mark.parametrize("f", [np.exp, np.sin, np.tanh, np.sqrt, np.reciprocal])
def test_differences_reach_ten_digits_and_know_their_error(f):
    x = np.array([0.2, 0.9, 2.5])
    jacobian, error = richardson_jacobian(f, x)
    exact = complex_step_jacobian(f, x)
    assert error.max() < 1e-9 * np.abs(exact).max()
    assert (np.abs(jacobian - exact) <= 8 * error + 1e-15).all()


def test_differences_shrink_their_step_near_a_singularity():
    jacobian, error = richardson_jacobian(np.log, np.array([1e-4]))
    assert abs(jacobian[0, 0] - 1e4) < 1e-4
    assert error[0, 0] < 1e-3


def test_differences_shrink_their_step_beside_a_kink():
    jacobian, error = richardson_jacobian(np.abs, np.array([1e-3, -1e-3]))
    np.testing.assert_allclose(jacobian, [[1, 0], [0, -1]], atol=1e-9)
    assert error.max() < 1e-9


def test_differences_of_complex_arguments_are_by_real_and_imaginary_part():
    jacobian, _ = richardson_jacobian(lambda z: z * z, np.array([1.0 + 2.0j]))
    np.testing.assert_allclose(jacobian, [[2, -4], [4, 2]], atol=1e-11)
    jacobian, _ = richardson_jacobian(lambda z: np.abs(z) ** 2, np.array([1.0 + 2.0j]))
    np.testing.assert_allclose(jacobian, [[2, 4]], atol=1e-11)


def test_no_columns_for_an_empty_argument():
    assert complex_step_jacobian(np.sin, np.zeros((0, 3))).shape == (0, 0)
    assert richardson_jacobian(lambda x: np.sum(x), np.zeros(0))[0].shape == (1, 0)


def test_something_has_to_vary():
    with pytest.raises(InputError, match="floating-point or complex"):
        richardson_jacobian(np.sin, 3)


def test_mpmath_derivatives_of_several_orders():
    assert mpmath_derivative(mpmath.exp, 1.0) == np.e
    assert mpmath_derivative(lambda x: x**5, 1.0, order=3) == 60.0
