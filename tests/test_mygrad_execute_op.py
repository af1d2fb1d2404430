"""``execute_op``: constants, ``out=`` and ``where=``; operations inside transformations, with masks."""

import numpy as np
import pytest

import wengert as wg
from tests.mygrad_operations import Exp, Hypot, Multiply, Sine, Sum
from wengert.compat.mygrad import execute_op
from wengert.compat.mygrad.operation_base import Operation, UnaryUfunc
from wengert.errors import InputError, OutputError, UnsupportedFunction
from wengert.testing import check_grads


def test_constancy_of_results():
    x = wg.tensor([1.0, 2.0])
    assert execute_op(Multiply, x, 2.0).constant is False
    assert execute_op(Multiply, x, 2.0, constant=True).constant is True
    assert execute_op(Multiply, 1.0, 2.0).constant is True
    assert execute_op(Multiply, 1.0, 2.0, constant=False).constant is False
    assert execute_op(Multiply, [1, 2], 2).constant is True
    assert type(execute_op(Multiply, 1, 2)) is wg.Tensor


def test_bad_flags_and_classes():
    with pytest.raises(TypeError, match="constant"):
        execute_op(Multiply, 1.0, 2.0, constant=1)
    with pytest.raises(ValueError, match="int64"):
        execute_op(Multiply, 1, 2, constant=False)
    for bad in (1, "Multiply", np.add, Multiply()):
        with pytest.raises(InputError, match="subclass of Operation"):
            execute_op(bad, 1.0, 2.0)
    with pytest.raises(TypeError, match="abstract"):
        execute_op(Operation, 1.0)


def test_out_is_updated():
    x, target = wg.tensor([1.0, 2.0]), +wg.tensor([5.0, 6.0])
    y = execute_op(Sine, x, out=target)
    assert y is target
    (y * target).sum().backward()
    np.testing.assert_allclose(x.grad, 2 * np.sin(x.data) * np.cos(x.data))
    with pytest.raises(ValueError, match="shape"):
        execute_op(Sine, x, out=wg.tensor([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("mask", [None, np.array([True, False])], ids=["everywhere", "where"])
def test_out_may_be_an_array(mask):
    x, target = wg.tensor([0.0, 1.0]), np.array([5.0, 6.0])
    y = execute_op(Exp, x, out=target, op_kwargs={} if mask is None else {"where": mask})
    assert type(y) is wg.Tensor
    assert y.data is target
    assert target.tolist() == [1.0, np.e if mask is None else 6.0]
    assert not target.flags.writeable
    y.backward()
    assert x.grad.tolist() == [1.0, np.e if mask is None else 0.0]
    assert target.flags.writeable
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        execute_op(Exp, x, out=np.zeros(3))


def test_ufunc_where():
    x, old = wg.tensor([1.0, 800.0]), wg.tensor([5.0, 6.0])
    target = +old
    mask = np.array([True, False])
    y = execute_op(Exp, x, out=target, op_kwargs={"where": mask})
    (y * [2.0, 3.0]).sum().backward()
    assert y.data.tolist() == [np.e, 6.0]
    assert (x.grad.tolist(), old.grad.tolist()) == ([2 * np.e, 0.0], [0.0, 3.0])
    z = execute_op(Exp, x, op_kwargs={"where": mask})
    z.backward()
    assert (z.data[0], x.grad.tolist()) == (np.e, [np.e, 0.0])
    assert execute_op(Exp, x, op_kwargs={"dtype": np.float32, "where": mask}).dtype == np.float32


@pytest.mark.parametrize("keywords", [{}, {"axis": 1}, {"axis": (0, 1)}, {"axis": 0, "keepdims": True}], ids=repr)
def test_sequential(keywords):
    x = wg.tensor(np.arange(6.0).reshape(2, 3))
    y = execute_op(Sum, x, op_kwargs=keywords)
    assert y.data.tolist() == np.sum(x.data, **keywords).tolist()
    y.backward(2.0)
    assert x.grad.tolist() == np.full((2, 3), 2.0).tolist()


# Transformations

POINT = (np.array([0.3, -1.2, 2.0]), np.array(0.7))


def composed(x, y):
    return execute_op(Hypot, execute_op(Sine, x * y, op_args=(1.5,)), execute_op(Multiply, x, y) + 3.0)


def plain(x, y):
    return np.hypot(np.sin(1.5 * (x * y)), x * y + 3.0)


def test_inside_transformations():
    of_sum = [wg.value_and_grad(lambda x, y, f=f: np.sum(f(x, y)), (0, 1))(*POINT) for f in (composed, plain)]
    np.testing.assert_allclose(of_sum[0][0], of_sum[1][0])
    for g, expected in zip(of_sum[0][1], of_sum[1][1], strict=True):
        np.testing.assert_allclose(g, expected)
    np.testing.assert_allclose(wg.jacobian(composed)(*POINT), wg.jacobian(plain)(*POINT))
    assert type(wg.value_and_grad(lambda x: np.sum(execute_op(Exp, x)))(POINT[0])[0]) is np.float64


def test_forward_mode_by_transposition():
    tangents = (np.array([1.0, 0.0, -2.0]), np.array(0.5))
    value, tangent = wg.jvp(composed, POINT, tangents)
    expected_value, expected = wg.jvp(plain, POINT, tangents)
    np.testing.assert_allclose(value, expected_value)
    np.testing.assert_allclose(tangent, expected)


def test_checked_against_differences():
    check_grads(lambda x, y: composed(x, y), POINT, order=1)


def second_order(f):
    x = POINT[0]
    return {
        "reverse over reverse": lambda: wg.grad(lambda x: np.sum(wg.grad(f)(x) ** 2))(x),
        "forward over reverse": lambda: wg.hvp(f, (x,), (np.ones(3),)),
        "reverse over forward": lambda: wg.grad(lambda x: wg.jvp(f, (x,), (np.ones(3),))[1])(x),
        "forward over forward": lambda: wg.jvp(lambda x: wg.jvp(f, (x,), (np.ones(3),))[1], (x,), (np.ones(3),)),
        "hessian": lambda: wg.hessian(f)(x),
    }


@pytest.mark.parametrize("mode", second_order(None))
def test_higher_order_is_refused(mode):
    with pytest.raises(UnsupportedFunction, match="custom_gradient"):
        second_order(lambda x: np.sum(execute_op(Exp, x)))[mode]()


def test_derivative_by_another_variable_is_refused_or_right():
    def f(x, y):
        return np.sum(execute_op(Multiply, x, y))

    with pytest.raises(UnsupportedFunction, match="custom_gradient"):
        wg.grad(lambda y: np.sum(wg.grad(f)(np.ones(3), y) ** 2))(POINT[0])

    def linear(x, y):  # the inner derivative does not depend on the operation's inputs
        return np.sum(execute_op(Sine, x) * y)

    g = wg.grad(lambda y: np.sum(wg.grad(linear)(np.ones(3), y) ** 2))(POINT[0])
    np.testing.assert_allclose(g, 2 * POINT[0] * np.cos(1.0) ** 2)


def test_traced_arrays_that_are_no_inputs_are_refused():
    class Captures(Operation):
        def __call__(self, x, factor):
            self.variables = (x,)
            return x.data * factor

        def backward_var(self, grad, index, **kwargs):
            return grad

    def f(x):
        return np.sum(execute_op(Captures, x, op_args=(x[0],)))

    with pytest.raises(OutputError, match="input"):
        wg.grad(f)(np.ones(3))


def test_unselected_elements():
    class Sqrt(UnaryUfunc):
        numpy_ufunc = np.sqrt

        def backward_var(self, grad, index, **kwargs):
            return grad / (2 * np.sqrt(self.variables[0].data))

    def f(x):
        return np.sum(np.where(x > 0, execute_op(Sqrt, x), x))

    x = np.array([-1.0, 0.0, 4.0])
    with np.errstate(all="ignore"):
        g = wg.grad(f)(x)
    assert g[2] == 0.25
    everywhere = np.array([-1.0, -2.0])
    with np.errstate(all="ignore"):
        assert wg.grad(f)(everywhere).tolist() == [1.0, 1.0]
