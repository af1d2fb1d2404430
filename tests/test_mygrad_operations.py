"""Operations written as MyGrad's classes: what they see, save and return, and their errors."""

import gc
import weakref

import numpy as np
import pytest

import wengert as wg
from tests.mygrad_operations import Multiply, Sine
from wengert.compat.mygrad import execute_op
from wengert.compat.mygrad.errors import InvalidGradient
from wengert.compat.mygrad.operation_base import Operation, SkipGradient
from wengert.errors import InputError


def returning(value):
    class Returning(Operation):
        def __call__(self, x):
            self.variables = (x,)
            return x.data + 0.0

        def backward_var(self, grad, index, **kwargs):
            return value

    return Returning


def gradient_of(value, x):
    x = wg.tensor(x)
    execute_op(returning(value), x).backward()
    return x.grad


def test_operation_sees_tensors_over_the_arrays_and_their_constancy():
    seen = []

    class Look(Multiply):
        def __call__(self, a, b):
            seen.extend([type(a), a.constant, b.constant, type(a.data), a.data.flags.writeable])
            return super().__call__(a, b)

    execute_op(Look, wg.tensor([1.0, 2.0]), [3, 4])
    assert seen == [wg.Tensor, False, True, np.ndarray, False]


def test_creator_is_the_operation():
    x = wg.tensor([1.0, 2.0])
    y = execute_op(Sine, x)
    assert type(y.creator) is Sine
    assert [v.data.tolist() for v in y.creator.variables] == [[1.0, 2.0]]
    y.backward()
    assert y.creator is None


def test_without_autodiff_nothing_is_recorded():
    x = wg.tensor([1.0, 2.0])
    with wg.no_autodiff:
        y = execute_op(Sine, x)
    assert y.creator is None
    np.testing.assert_allclose(y.data, np.sin(x.data))
    y.backward()
    assert x.grad is None


def test_arguments_besides_the_inputs():
    x = wg.tensor([0.5, 1.0])
    for keywords in ({"op_args": (2.0,)}, {"op_kwargs": {"frequency": 2.0}}):
        execute_op(Sine, x, **keywords).backward()
        np.testing.assert_allclose(x.grad, 2 * np.cos(2 * x.data))


def test_backward_var_is_not_called_for_constants():
    Multiply.calls = ()
    x = wg.tensor([1.0, 2.0])
    execute_op(Multiply, 3.0, x).backward()
    execute_op(Multiply, wg.tensor([1.0, 2.0], constant=True), x).backward()
    assert Multiply.calls == (1, 1)
    assert wg.grad(lambda x: np.sum(execute_op(Multiply, x, np.ones(2))))(np.ones(2)).tolist() == [1.0, 1.0]
    assert Multiply.calls == (1, 1, 0)


def test_one_tensor_twice():
    x = wg.tensor([1.0, 2.0])
    execute_op(Multiply, x, x).backward()
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("returned", "shape", "expected"),
    [
        (np.ones((4, 2)), (2,), [4.0, 4.0]),
        (np.ones((3, 2)), (1, 2), [[3.0, 3.0]]),
        (np.ones((3, 2)), (3, 1), [[2.0], [2.0], [2.0]]),
        (np.ones((3, 2)), (), 6.0),
        (2, (), 2.0),
        (np.ones(2, int), (2,), [1.0, 1.0]),
        (np.ones(2, np.float32), (2,), [1.0, 1.0]),
        (np.array([True, False]), (2,), [1.0, 0.0]),
    ],
)
def test_results_that_broadcasting_explains_are_reduced_and_cast(returned, shape, expected):
    g = gradient_of(returned, np.ones(shape))
    assert type(g) is np.ndarray
    assert g.dtype == float
    assert g.tolist() == expected
    assert not np.shares_memory(g, returned)


@pytest.mark.parametrize(
    "returned", [np.ones(3), np.ones((2, 1)), np.ones((2, 3)).T[:2, :1], 1.0, np.ones(1), np.ones((2, 0))], ids=np.shape
)
def test_other_shapes_are_refused(returned):
    with pytest.raises(InvalidGradient, match=r"Returning.backward_var\(grad, index=0\)"):
        gradient_of(returned, np.ones((4, 2))[0])


def test_a_shape_of_the_same_size_is_refused():
    with pytest.raises(InvalidGradient, match=r"\(3, 2\)"):
        gradient_of(np.ones((3, 2)), np.ones((2, 3)))


@pytest.mark.parametrize("returned", [None, "a", [1.0, 2.0], np.array(["a", "b"]), np.array([None, 1.0])], ids=repr)
def test_results_that_are_no_numbers_are_refused(returned):
    with pytest.raises(InvalidGradient, match="array of numbers"):
        gradient_of(returned, np.ones(2))


def test_a_tensor_as_result_is_refused_with_the_remedy():
    with pytest.raises(InvalidGradient, match=r"x\.data"):
        gradient_of(wg.tensor([1.0, 2.0]), np.ones(2))


def test_gradients_have_the_inputs_dtype():
    x, y = wg.tensor(np.ones(2, np.float32)), wg.tensor(np.ones(2))
    z = execute_op(Multiply, x, y)
    z.backward()
    assert (z.dtype, x.grad.dtype, y.grad.dtype) == (np.float64, np.float32, np.float64)


def test_what_an_operation_saved_outlives_updates():
    class Keeps(Operation):
        def __call__(self, x):
            self.variables = (x,)
            self.x = x.data
            self.y = x.data * x.data
            return self.y

        def backward_var(self, grad, index, **kwargs):
            assert self.variables[0].data.tolist() == [1.0, 2.0]
            return grad * 2 * self.y / self.x

    x = wg.tensor([1.0, 2.0])
    w = +x
    v = w[:]
    v *= 1  # the memory is then nobody else's
    y = execute_op(Keeps, w)
    w *= 7
    w[0] *= 1
    y *= 5
    (y + w).sum().backward()
    assert x.grad.tolist() == [17.0, 27.0]


def test_what_an_operation_saved_is_guarded():
    array, x = np.array([3.0, 4.0]), wg.tensor([1.0, 2.0])
    y = execute_op(Multiply, x, array)
    for guarded in (array, x.data, y.data):
        with pytest.raises(ValueError, match="read-only"):
            guarded[0] = 0.0
    y.backward()
    for free in (array, x.data, y.data):
        free[0] = 0.0


def test_updates_of_a_result_leave_the_inputs_alone():
    class Same(Operation):
        can_return_view = True

        def __call__(self, x):
            self.variables = (x,)
            return x.data

        def backward_var(self, grad, index, **kwargs):
            return -grad

    x = wg.tensor([1.0, 2.0])
    y = execute_op(Same, x)
    y *= 3
    assert x.data.tolist() == [1.0, 2.0]
    y.sum().backward()
    assert x.grad.tolist() == [-3.0, -3.0]


def test_backward_may_change_the_gradient():
    class Reversed(Sine):
        def backward(self, grad, **kwargs):
            grad *= -1
            super().backward(grad, **kwargs)

    x = wg.tensor([0.0, 1.0])
    y = execute_op(Reversed, x)
    z = y.sum()
    z.backward()
    np.testing.assert_allclose(x.grad, -np.cos(x.data))
    assert y.grad.tolist() == [1.0, 1.0]


def test_gradients_passed_on_twice_add_up():
    class Twice(Sine):
        def backward(self, grad, **kwargs):
            super().backward(grad, **kwargs)
            super().backward(grad, **kwargs)

    x = wg.tensor([0.0, 1.0])
    execute_op(Twice, x).backward()
    np.testing.assert_allclose(x.grad, 2 * np.cos(x.data))


def test_skip_gradient_adds_nothing():
    class Skips(Multiply):
        def backward_var(self, grad, index, **kwargs):
            if index == 1:
                raise SkipGradient
            return super().backward_var(grad, index, **kwargs)

    x, y = wg.tensor([1.0, 2.0]), wg.tensor([3.0, 4.0])
    (execute_op(Skips, x, y) + y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3.0, 4.0], [1.0, 1.0])


def test_an_own_reduction_of_gradients():
    class Mean(Multiply):
        @staticmethod
        def grad_post_process_fn(grad, var_shape):
            return grad.mean() if var_shape == () else grad

    x, y = wg.tensor([1.0, 2.0]), wg.tensor(3.0)
    execute_op(Mean, x, y).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3.0, 3.0], 1.5)
    with pytest.raises(InvalidGradient, match="grad_post_process_fn"):
        execute_op(Mean, wg.tensor([[1.0], [2.0]]), wg.tensor([1.0, 2.0])).backward()


# Errors and memory


def test_missing_variables():
    class Forgets(Operation):
        def __call__(self, x):
            return x.data * 2

        def backward_var(self, grad, index, **kwargs):
            return grad

    y = execute_op(Forgets, wg.tensor([1.0]))
    with pytest.raises(InputError, match=r"Forgets.*variables"):
        y.backward()


def test_an_input_left_out_of_the_variables():
    class First(Operation):
        def __call__(self, x, y):
            self.variables = (x,)
            return x.data * y.data

        def backward_var(self, grad, index, **kwargs):
            return grad

    x = wg.tensor([1.0, 2.0])
    execute_op(First, x, [3.0, 4.0]).backward()
    with pytest.raises(InvalidGradient, match="input 1"):
        execute_op(First, x, wg.tensor([3.0, 4.0])).backward()


def test_variables_that_are_no_inputs():
    class Strange(Sine):
        def __call__(self, x):
            y = super().__call__(x)
            self.variables = (wg.tensor(x.data),)
            return y

    with pytest.raises(InputError, match="Strange"):
        execute_op(Strange, wg.tensor([1.0])).backward()


def test_an_operation_that_raises_leaves_its_inputs_usable():
    class Fails(Operation):
        def __call__(self, x):
            raise RuntimeError("no")

        def backward_var(self, grad, index, **kwargs):
            return grad

    array = np.array([1.0, 2.0])
    x = wg.tensor(array, copy=False)
    with pytest.raises(RuntimeError):
        execute_op(Fails, x)
    assert array.flags.writeable
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_inputs_are_not_to_be_written_to():
    class Writes(Operation):
        def __call__(self, x):
            self.variables = (x,)
            x.data[:] = 0.0
            return x.data

        def backward_var(self, grad, index, **kwargs):
            return grad

    x = wg.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        execute_op(Writes, x)
    assert x.data.tolist() == [1.0, 2.0]


def test_graphs_are_freed_without_the_collector():
    gc.disable()
    try:
        x = wg.tensor([1.0, 2.0])
        for finish in (lambda y: None, lambda y: y.backward()):
            dead = []

            class Watched(Sine):
                def __call__(self, x, dead=dead):
                    dead.append(weakref.ref(self))
                    return super().__call__(x)

            y = execute_op(Watched, x)
            x[...] = y
            z = (x + y).sum()
            finish(z)
            del y, z
            x = wg.tensor([1.0, 2.0])
            assert [r() for r in dead] == [None]
    finally:
        gc.enable()
