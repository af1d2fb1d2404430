"""``grad`` and ``value_and_grad``: signatures, and what they leave alone."""

from operator import add, mul, sub, truediv

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, 2.0, 3.0])


def weighted(x, y, *, power=1, scale=1.0):
    return np.sum(x * y**power) * scale


def test_gradient_of_an_array():
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * x))(X), [2.0, 4.0, 6.0], strict=True)


def test_value_and_gradient():
    value, gradient = wg.value_and_grad(lambda x: np.sum(x * x))(X)
    assert value == 14.0
    assert not isinstance(value, wg.Tensor)
    assert type(gradient) is np.ndarray
    np.testing.assert_array_equal(gradient, 2 * X)


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 2 * X),
        (1, X),
        (-1, X),
        (-2, 2 * X),
        ((0,), (2 * X,)),
        ((0, 1), (2 * X, X)),
        ((1, 0), (X, 2 * X)),
        ([0, -1], (2 * X, X)),
    ],
)
def test_argnums(argnums, expected):
    gradient = wg.grad(weighted, argnums)(X, 2 * X)
    assert type(gradient) is type(expected)
    np.testing.assert_array_equal(gradient, expected)
    np.testing.assert_array_equal(wg.value_and_grad(weighted, argnums=argnums)(X, 2 * X)[1], expected)


def test_keyword_arguments_are_passed_on():
    np.testing.assert_array_equal(wg.grad(weighted)(X, X, power=2, scale=10.0), 10 * X**2)
    np.testing.assert_array_equal(wg.grad(weighted, 0)(X, y=X), X)


def test_aux_is_passed_through_as_plain_arrays():
    def f(x):
        return np.sum(x * x), {"twice": 2 * x, "name": "aux", "none": None, "plain": 3}

    gradient, aux = wg.grad(f, has_aux=True)(X)
    np.testing.assert_array_equal(gradient, 2 * X)
    assert type(aux["twice"]) is np.ndarray
    np.testing.assert_array_equal(aux["twice"], 2 * X)
    assert (aux["name"], aux["none"], aux["plain"]) == ("aux", None, 3)
    (value, aux), gradient = wg.value_and_grad(f, has_aux=True)(X)
    assert value == 14.0
    assert aux["plain"] == 3
    np.testing.assert_array_equal(gradient, 2 * X)


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (3.0, float),
        (3 + 0j, complex),
        (np.float64(3), np.float64),
        (np.float32(3), np.float32),
        (np.float16(3), np.float16),
        (np.complex64(3), np.complex64),
        (np.array(3.0), np.ndarray),
        (np.array(3.0, np.float32), np.ndarray),
    ],
)
def test_a_number_has_a_gradient_of_its_own_type(x, kind):
    gradient = wg.grad(lambda x: np.real(x * x))(x)
    assert type(gradient) is kind
    assert np.result_type(gradient) == np.result_type(x)
    assert np.shape(gradient) == ()
    assert gradient == 6


PLAIN_OPERANDS = [
    3,
    3.0,
    2j,
    True,
    np.float32(3),
    np.float64(3),
    np.complex64(2j),
    np.array(3.0),
    np.array(2j),
    np.int8(3),
]


@pytest.mark.parametrize("operator", [add, sub, mul, truediv, pow])
@pytest.mark.parametrize("other", PLAIN_OPERANDS, ids=repr)
@pytest.mark.parametrize("x", [1.5, np.float64(1.5), np.float32(1.5), np.array(1.5), np.array([1.5, 0.5])], ids=repr)
def test_operators_with_plain_numbers_on_either_side(operator, other, x):
    for f in (lambda x: operator(x, other), lambda x: operator(other, x)):
        value, tangent = wg.jvp(f, (x,), (np.ones_like(x),))
        assert value.dtype == tangent.dtype == np.asarray(f(np.asarray(x)[()])).dtype
        np.testing.assert_allclose(value, f(x), rtol=1e-6)
        gradient = wg.grad(lambda x: np.sum(np.real(f(x))))(x)  # noqa: B023 - called at once
        np.testing.assert_allclose(gradient, np.real(tangent), rtol=1e-6, atol=1e-6)
        t = wg.tensor(x)
        f(t).backward()
        np.testing.assert_allclose(t.grad, np.real(tangent), rtol=1e-6, atol=1e-6)


def test_value_keeps_the_functions_dtype():
    value, _ = wg.value_and_grad(lambda x: np.sum(x * x))(X.astype(np.float32))
    assert value.dtype == np.float32


def test_an_argument_that_is_not_used_has_a_zero_gradient():
    first, second = wg.grad(lambda x, y: np.sum(y), (0, 1))(X.astype(np.float32), X)
    np.testing.assert_array_equal(first, np.zeros(3, np.float32), strict=True)
    np.testing.assert_array_equal(second, np.ones(3))


def test_a_constant_tensor_has_a_zero_gradient():
    value, gradient = wg.value_and_grad(lambda x: wg.tensor(5.0))(X)
    assert float(value) == 5.0
    np.testing.assert_array_equal(gradient, np.zeros(3))


def test_the_identity():
    assert wg.grad(lambda x: x)(2.0) == 1.0


def test_the_function_is_called_once():
    calls = []

    def f(x):
        calls.append(x)
        return np.sum(x)

    wg.value_and_grad(f)(X)
    assert len(calls) == 1


def test_transformed_functions_keep_name_and_docstring():
    def f(x):
        """What f does."""
        return x

    for transform in (wg.grad, wg.value_and_grad, wg.jacobian, wg.hessian):
        assert transform(f).__name__ == "f"
        assert transform(f).__doc__ == "What f does."


def test_callable_objects_and_partial_functions():
    from functools import partial

    class Model:
        def __call__(self, x):
            return np.sum(x * x)

    np.testing.assert_array_equal(wg.grad(Model())(X), 2 * X)
    np.testing.assert_array_equal(wg.grad(partial(weighted, y=X))(X), X)


def test_closures_over_plain_arrays_and_tensors():
    w = wg.tensor([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * w * X))(X), w.data * X)
    assert w.grad is None


def test_python_control_flow_on_values():
    def f(x):
        while x < 10.0:
            x = x * 2.0
        return x if x > 15.0 else -x

    assert wg.grad(f)(2.0) == 8.0
    assert wg.grad(f)(3.0) == -4.0


def test_arguments_updated_in_place_leave_the_callers_arrays():
    x, other = X.copy(), {"w": X.copy()}

    def f(x, tree):
        x[0] = x[1] * 3.0
        x *= 2.0
        tree["w"] += x
        tree["w"][1:] = 0.0
        return np.sum(tree["w"]) + np.sum(x)

    gradients = wg.grad(f, (0, 1))(x, other)
    np.testing.assert_array_equal(gradients[0], [0.0, 14.0, 2.0])
    np.testing.assert_array_equal(gradients[1]["w"], [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(other["w"], X)


def test_read_only_arguments_may_be_updated_in_the_function():
    x = X.copy()
    x.flags.writeable = False

    def f(x):
        x[0] = 0.0
        return np.sum(x * x)

    np.testing.assert_array_equal(wg.grad(f)(x), [0.0, 4.0, 6.0])


def test_results_share_memory_with_nothing():
    x, y = X.copy(), X.copy()

    def f(x, y, z):
        return np.sum(x + y + np.reshape(z, (3,))), (x, x[:2], x + 0)

    gradients, aux = wg.grad(f, (0, 1, 2), has_aux=True)(x, y, np.reshape(X.copy(), (3, 1)))
    for i, g in enumerate(gradients):
        assert g.flags.writeable
        assert not any(np.shares_memory(g, other) for other in (x, y, *aux, *gradients[:i]))


def test_the_same_array_as_two_arguments():
    gradients = wg.grad(lambda a, b: np.sum(a * b * b), (0, 1))(X, X)
    np.testing.assert_array_equal(gradients[0], X**2)
    np.testing.assert_array_equal(gradients[1], 2 * X**2)
    assert not np.shares_memory(*gradients)


def test_complex_arguments_have_the_gradient_of_steepest_ascent():
    z = np.array([1 + 2j, -1j])
    gradient = wg.grad(lambda z: np.sum(np.real(z * np.conj(z))))(z)
    np.testing.assert_array_equal(gradient, 2 * z, strict=True)


def test_an_exception_in_the_function_passes_through_and_leaves_no_trace():
    def f(x):
        raise RuntimeError("as it was")

    with pytest.raises(RuntimeError, match="as it was"):
        wg.grad(f)(X)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x))(X), np.ones(3))


def test_a_function_on_plain_arrays_is_untouched():
    assert type(weighted(X, X)) is np.float64
