"""``tensor(...)`` and ``.backward()``: recording by hand, and what is left in ``.grad``."""

import copy

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ConversionError, InputError, InvalidBackprop

X = [1.0, 2.0, 3.0]


def test_gradient_of_a_leaf():
    x = wg.tensor(X)
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0], strict=True)


def test_intermediate_tensors_have_gradients():
    x = wg.tensor(X)
    y = x * x
    z = np.sum(y * 3.0)
    z.backward()
    np.testing.assert_array_equal(y.grad, [3.0, 3.0, 3.0])
    np.testing.assert_array_equal(z.grad, 1.0)
    np.testing.assert_array_equal(x.grad, [6.0, 12.0, 18.0])


def test_backward_of_several_elements_is_of_their_sum_or_weighted():
    x = wg.tensor(X)
    (x * x).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0])
    (x * x).backward([1.0, 0.0, 10.0])
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 60.0])
    (x * x).backward(2)
    np.testing.assert_array_equal(x.grad, [4.0, 8.0, 12.0])


def test_backward_of_a_leaf():
    x = wg.tensor(X)
    x.backward()
    np.testing.assert_array_equal(x.grad, np.ones(3))


def test_a_second_backward_raises():
    x = wg.tensor(X)
    y = x * x
    z = np.sum(y)
    z.backward()
    with pytest.raises(InvalidBackprop, match="cleared by an earlier backward"):
        z.backward()
    with pytest.raises(InvalidBackprop, match="Compute the result anew"):
        y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0])


def test_backward_that_reaches_a_cleared_part_raises():
    x = wg.tensor(X)
    y = x * x
    first, second = np.sum(y), np.sum(y * y)
    first.backward()
    with pytest.raises(InvalidBackprop):
        second.backward()


def test_a_failed_backward_leaves_gradients_alone():
    x = wg.tensor(X)
    y = x * x
    z = y * 2.0
    y.backward()
    before = x.grad.copy()
    with pytest.raises(InvalidBackprop):
        z.backward()
    np.testing.assert_array_equal(x.grad, before)


def test_a_tensor_whose_graph_was_cleared_starts_anew_as_a_leaf():
    x = wg.tensor(X)
    y = x * x
    y.backward()
    z = y * 3.0
    z.backward()
    np.testing.assert_array_equal(y.grad, [3.0, 3.0, 3.0])


def test_a_graph_dropped_without_backward_does_no_harm():
    x = wg.tensor(X)
    dropped = x * x * x
    del dropped
    (x * 2.0).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0, 2.0])


def test_gradients_are_replaced_not_added_to():
    x = wg.tensor(X)
    (x * 2.0).backward()
    first = x.grad
    (x * 5.0).backward()
    np.testing.assert_array_equal(x.grad, [5.0, 5.0, 5.0])
    np.testing.assert_array_equal(first, [2.0, 2.0, 2.0])


def test_gradients_are_cleared_when_the_tensor_is_used_again():
    x = wg.tensor(X)
    (x * 2.0).backward()
    assert x.grad is not None
    _ = x * 3.0
    assert x.grad is None


def test_gradients_share_no_memory():
    x, y = wg.tensor(X), wg.tensor(X)
    z = x + y
    w = z + 0.0
    weight = np.ones(3)
    w.backward(weight)
    arrays = [x.grad, y.grad, z.grad, w.grad, x.data, y.data, z.data, w.data, weight]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])


def test_a_use_of_the_same_tensor_twice_adds_up():
    x = wg.tensor(X)
    (x + x * x - x).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0])


def test_parts_of_the_graph_that_are_not_used_have_no_gradient():
    x, y = wg.tensor(X), wg.tensor(X)
    _ = y * y
    (x * 2.0).backward()
    assert y.grad is None


def test_cotangents_of_a_wrong_shape_or_kind_are_refused():
    y = wg.tensor(X) * 2.0
    with pytest.raises(ValueError, match=r"shape \(2,\) does not broadcast to the tensor's shape \(3,\)"):
        y.backward(np.ones(2))
    with pytest.raises(ValueError, match="does not broadcast"):
        y.backward(np.ones((2, 3)))
    with pytest.raises(InputError, match="backward\\(grad\\) takes numbers"):
        y.backward("ones")
    y.backward(np.ones(1))


@pytest.mark.parametrize("data", [[1, 2], [True, False], np.arange(3, dtype=np.uint8)])
def test_integers_and_booleans_are_constants(data):
    x = wg.tensor(data)
    assert x.constant
    assert x.creator is None
    y = x * 2
    assert y.constant
    y.backward()
    assert x.grad is None
    with pytest.raises(ValueError, match="always a constant"):
        wg.tensor(data, constant=False)


def test_a_constant_has_no_gradient():
    x, c = wg.tensor(X), wg.tensor(X, constant=True)
    (x * c).backward()
    np.testing.assert_array_equal(x.grad, X)
    assert c.grad is None
    assert (c * 2.0).constant
    assert not (c * x).constant
    (c * c).backward()
    assert c.grad is None


@pytest.mark.parametrize("constant", [0, 1, "yes", 1.0])
def test_constant_is_a_bool(constant):
    with pytest.raises(TypeError, match="constant must be True, False or None"):
        wg.tensor(X, constant=constant)


@pytest.mark.parametrize("data", ["text", ["a", "b"], object(), {"a": 1.0}, None, [None]])
def test_a_tensor_holds_numbers(data):
    with pytest.raises(InputError, match="A tensor holds numbers"):
        wg.tensor(data)


def test_integer_tensors_multiply_variables():
    x = wg.tensor(X)
    (x * wg.tensor([1, 2, 3])).backward()
    np.testing.assert_array_equal(x.grad, [1.0, 2.0, 3.0], strict=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_gradients_have_their_tensors_dtype(dtype):
    x = wg.tensor(X, dtype=dtype)
    assert x.dtype == dtype
    np.sum(x * np.ones(3, np.float64)).backward()
    assert x.grad.dtype == dtype


def test_python_numbers_do_not_widen():
    x = wg.tensor(X, dtype=np.float32)
    y = 2.0 * x / 3.0 - 1.0
    assert y.dtype == np.float32


def test_float16_accumulates_wider():
    x = wg.tensor(np.ones(1, np.float16))
    np.sum(np.broadcast_to(x, (4096,)) * np.ones(4096, np.float16)).backward()
    assert x.grad.dtype == np.float16
    np.testing.assert_array_equal(x.grad, [4096.0])


def test_float16_accumulates_many_uses_wider():
    x = wg.tensor(np.ones(2, np.float16))
    y = wg.tensor(0.0)
    for _ in range(4096):
        y = y + x[0]
    y.backward()
    np.testing.assert_array_equal(x.grad, [4096.0, 0.0])


def test_detach_is_constant_and_shares_the_array():
    x = wg.tensor(X)
    d = x.detach()
    assert d.constant
    assert np.shares_memory(d.data, x.data)
    (x * d).backward()
    np.testing.assert_array_equal(x.grad, X)


@pytest.mark.parametrize(
    "copied", [lambda x: x.copy(), np.copy, wg.tensor, lambda x: x.astype(np.float32), lambda x: +x]
)
def test_copies_are_recorded(copied):
    x = wg.tensor(X)
    y = copied(x)
    assert not np.shares_memory(y.data, x.data)
    (y * 2.0).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0, 2.0], strict=True)


def test_astype_to_integers_is_constant():
    x = wg.tensor([1.7, 2.2])
    y = x.astype(int)
    assert y.dtype == int
    assert not isinstance(y, wg.Tensor) or y.constant


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_the_copy_module(copied):
    x = wg.tensor(X)
    y = copied(x)
    assert not np.shares_memory(y.data, x.data)
    (y * 2.0).backward()
    np.testing.assert_array_equal(y.data, X)


def test_tensors_of_tensors_are_recorded():
    x = wg.tensor(3.0)
    made = wg.tensor([x, 2 * x, 5.0])
    np.testing.assert_array_equal(made.data, [3.0, 6.0, 5.0])
    made.backward([1.0, 10.0, 100.0])
    assert x.grad == 21.0


def test_nested_sequences_of_tensors_are_recorded():
    x = wg.tensor(X)
    made = wg.tensor([[x, 2 * x], [x * x, np.ones(3)]])
    assert made.shape == (2, 2, 3)
    made.backward()
    np.testing.assert_array_equal(x.grad, 3.0 + 2.0 * np.array(X))


def test_tensor_options():
    x = np.array(X)
    shared = wg.tensor(x, copy=False)
    assert np.shares_memory(shared.data, x)
    assert not np.shares_memory(wg.tensor(x).data, x)
    assert wg.tensor(X, dtype=np.float32).dtype == np.float32
    assert wg.tensor(1.0, ndmin=2).shape == (1, 1)
    t = wg.tensor(2.0)
    widened = wg.tensor(t, dtype=np.float32, ndmin=2)
    assert widened.shape == (1, 1)
    widened.backward()
    assert t.grad == 1.0


def test_plain_data_of_a_tensor_that_a_person_made():
    x = wg.tensor(X)
    np.testing.assert_array_equal(np.asarray(x), X)
    np.testing.assert_array_equal(np.array(x, dtype=np.float32), X)
    assert float(x[0]) == 1.0
    assert int(x[1]) == 2
    assert complex(x[1]) == 2 + 0j
    assert x[2].item() == 3.0
    assert x.tolist() == X
    assert bool(x[0])
    assert f"{x[0]:.2f}" == "1.00"
    plain = np.zeros(3)
    plain[0] = x[1]
    assert plain[0] == 2.0


CONVERSIONS = {
    "np.array": lambda x: np.array([x, 2 * x]),
    "np.asarray": lambda x: np.asarray(x),
    "float": lambda x: float(x),
    "int": lambda x: int(x),
    "complex": lambda x: complex(x),
    "item": lambda x: x.item(),
    "tolist": lambda x: x.tolist(),
    "range": lambda x: list(range(x)),
    "assignment of an array": lambda x: np.zeros(3).__setitem__(slice(None), x),
}


@pytest.mark.parametrize("conversion", CONVERSIONS.values(), ids=CONVERSIONS)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_traced_values_do_not_turn_into_plain_numbers(conversion, mode):
    def f(x):
        conversion(x)
        return x

    with pytest.raises(ConversionError) as caught:
        wg.grad(f)(3.0) if mode == "reverse" else wg.jvp(f, (3.0,), (1.0,))
    for remedy in ("wg.tensor([...])", "np.stack", "wg.stop_gradient(x)"):
        assert remedy in str(caught.value)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_traced_value_is_not_assigned_to_an_element_of_a_plain_array(mode):
    plain = np.zeros(3)

    def f(x):
        plain[0] = x
        return x

    with pytest.raises((ConversionError, ValueError)) as caught:
        wg.grad(f)(3.0) if mode == "reverse" else wg.jvp(f, (3.0,), (1.0,))
    error = caught.value if isinstance(caught.value, ConversionError) else caught.value.__cause__
    assert isinstance(error, ConversionError)  # NumPy reports a ValueError of its own, caused by ours
    assert "wg.tensor(array, constant=True)" in str(error)
    assert plain[0] == 0.0


def test_traced_values_may_be_printed_and_asked():
    seen = []

    def f(x):
        seen.extend([repr(x), str(x), bool(x > 0), x.shape, x.dtype, len(x[None]), f"{x:.2f}"])
        return x

    wg.grad(f)(3.0)
    wg.jvp(f, (3.0,), (1.0,))
    assert seen[2:7] == [True, (), np.float64, 1, "3.00"]
    assert "3." in seen[0]
    assert "3." in seen[1]


def test_backward_inside_a_transformation_is_refused():
    with pytest.raises(InvalidBackprop, match=r"nest wg\.grad"):
        wg.grad(lambda x: (x * x).backward())(3.0)


def test_creator_constant_base():
    x = wg.tensor(X)
    y = x * x
    view = x[:2]
    assert x.creator is None
    assert y.creator is not None
    assert y.base is None
    assert view.base is x
    y.backward()
    assert y.creator is None


def test_repr():
    assert repr(wg.tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(wg.tensor(1.0)) == "Tensor(1.)"
    assert str(wg.tensor([1, 2])) == "[1 2]"


def test_tensors_are_not_hashable_as_arrays_are_not():
    with pytest.raises(TypeError, match="unhashable"):
        hash(wg.tensor(1.0))
