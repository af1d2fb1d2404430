"""The checkers pass what is right and fail what is wrong, each kind of mistake by its checker."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import apply
from wengert.core.op import Op
from wengert.errors import InputError
from wengert.testing import (
    check_dtypes,
    check_grads,
    check_inputs_unchanged,
    check_jacobian,
    check_layouts,
    check_orders,
    check_transpose,
    contracts,
)

X = np.array([0.5, -1.2, 2.0])
A = np.array([[1.0, 2.0, 0.5], [3.0, -1.0, 0.0], [0.2, 0.7, 1.5]])
CHECKERS = [
    check_dtypes, check_grads, check_inputs_unchanged, check_jacobian, check_layouts, check_orders, check_transpose
]  # fmt: skip


def smooth(x, scale=2.0):
    return {"a": np.sin(x) * scale, "b": (np.sum(x * x), x[1:])}


@wg.custom_gradient
def wrong_factor(x):
    return np.sin(x), lambda g: 2 * g * np.cos(x)


@wg.custom_gradient
def wrong_by_a_millionth(x):
    return np.sin(x), lambda g: (1 + 1e-6) * g * np.cos(x)


@wg.custom_gradient
def not_transposed(x):
    return np.sum(A * x, axis=1), lambda g: np.sum(A * g, axis=1)


@wg.custom_gradient
def wrong_at_second_order(x):
    return np.sin(x), lambda g: g * wg.stop_gradient(np.cos(x))


def wrong_at_third_order(x):
    @wg.custom_gradient
    def slope(x):
        return np.cos(x), lambda g: -g * wg.stop_gradient(np.sin(x))

    @wg.custom_gradient
    def sine(x):
        return np.sin(x), lambda g: g * slope(x)

    return sine(x)


@wg.custom_gradient
def wrong_by_its_cotangent(x):
    return 2.0 * x, lambda g: 2.0 * wg.stop_gradient(g)


def detached(x):
    return x * wg.stop_gradient(x)


_FORWARD = Op(
    "wrong_forward",
    "structured",
    np.sin,
    ("x",),
    (lambda g, x: g * np.cos(x),),
    jvps=(lambda t, x: -t * np.cos(x),),
)


def wrong_forward(x):
    return apply(_FORWARD, (x,))


def wrong_value_when_traced(x):
    return np.sin(x) + (0.0 if isinstance(x, np.ndarray) else 1.0)


@pytest.mark.parametrize("check", CHECKERS)
@pytest.mark.parametrize(
    ("f", "args"),
    [
        (smooth, (X,)),
        (smooth, (X, 3.0)),
        (lambda z: np.sin(z) * z, (X + 0.5j,)),
        (lambda p, n: p["w"] * p["b"] ** 2 if n == 2 else None, ({"w": X, "b": np.float64(0.3)}, 2)),
        (np.sin, (np.zeros((0, 2)),)),
    ],
    ids=["tree of results", "number", "complex", "tree of arguments", "empty"],
)
def test_what_is_right_passes_every_checker(check, f, args):
    assert check(f, args) is None


@pytest.mark.parametrize(
    ("check", "f"),
    [
        (check_jacobian, wrong_factor),
        (check_jacobian, wrong_by_a_millionth),
        (check_jacobian, not_transposed),
        (check_jacobian, detached),
        (check_jacobian, wrong_forward),
        (check_jacobian, wrong_value_when_traced),
        (check_transpose, wrong_forward),
        (check_orders, wrong_factor),
        (check_orders, wrong_at_second_order),
        (check_orders, wrong_at_third_order),
        (check_orders, wrong_by_its_cotangent),
        (check_orders, wrong_forward),
        (check_orders, detached),
        (check_grads, wrong_factor),
        (check_grads, not_transposed),
        (check_grads, wrong_at_second_order),
        (check_grads, wrong_forward),
    ],
)
def test_what_is_wrong_fails(check, f):
    with pytest.raises(AssertionError, match="found"):
        check(f, (X,))


def test_the_complex_step_finds_a_wrong_factor():
    with pytest.raises(AssertionError, match="reverse-mode Jacobian differs at \\(0, 0\\) and 2 other"):
        check_jacobian(wrong_factor, (X,), analytic=True)


def test_a_forgotten_conjugate_fails():
    @wg.custom_gradient
    def no_conjugate(z):
        return z * z, lambda g: g * 2 * z

    with pytest.raises(AssertionError):
        check_jacobian(no_conjugate, (X + 1j,))


def test_orders_are_checked_no_further_than_asked():
    check_jacobian(wrong_at_second_order, (X,))
    check_orders(wrong_at_second_order, (X,), order=1)
    check_grads(wrong_at_second_order, (X,), order=1)
    check_grads(wrong_at_third_order, (X,), order=2)


def test_a_nan_is_not_right():
    @wg.custom_gradient
    def nan(x):
        return np.sin(x), lambda g: g * np.nan

    with pytest.raises(AssertionError, match="found nan"):
        check_jacobian(nan, (X,))
    with pytest.raises(AssertionError, match="found nan"):
        check_orders(nan, (X,))


def test_results_of_another_dtype_fail():
    def wider(x):
        return np.sum(x * 2.0 if isinstance(x, np.ndarray) else x.astype(np.float64))

    with pytest.raises(AssertionError, match="a result has dtype float64, should have float16"):
        check_dtypes(wider, (X,))


def test_results_of_another_shape_fail():
    def reshaped(x):
        return x if isinstance(x, np.ndarray) else np.reshape(x, (1, 3))

    with pytest.raises(AssertionError, match=r"a result has shape \(1, 3\)"):
        check_dtypes(reshaped, (X,))
    with pytest.raises(AssertionError, match=r"results of shapes \[\(1, 3\)\]"):
        check_jacobian(reshaped, (X,))


def test_gradients_of_another_dtype_fail(monkeypatch):
    right = contracts.grad
    monkeypatch.setattr(contracts, "grad", lambda f, i: lambda *xs: [g.astype(np.float64) for g in right(f, i)(*xs)])
    with pytest.raises(AssertionError, match="a gradient has dtype float64, should have float16"):
        check_dtypes(np.sin, (X,))


def test_gradients_wrong_in_single_precision_fail():
    @wg.custom_gradient
    def coarse(x):
        return np.sin(x), lambda g: g * np.cos(x) * (1.0 if g.dtype == np.float64 else 1.5)

    with pytest.raises(AssertionError, match="gradients in float16 differ"):
        check_dtypes(coarse, (X,))


def test_a_function_without_any_dtype_fails():
    def never(x):
        raise TypeError

    with pytest.raises(AssertionError, match="accepts none"):
        check_dtypes(never, (X,))


def test_a_changed_argument_fails():
    x = X.copy()
    view = x[:]

    def changes(v):
        view[0] += 1.0
        return v * 2.0

    with pytest.raises(AssertionError, match="reverse mode changed an argument"):
        check_inputs_unchanged(changes, (x,))


def test_a_locked_argument_fails():
    x = X.copy()

    def locks(v):
        x.flags.writeable = False
        return v * 2.0

    with pytest.raises(AssertionError, match="writeable flag"):
        check_inputs_unchanged(locks, (x,))


def test_gradients_that_share_memory_fail(monkeypatch):
    x, y = X.copy(), X.copy()
    monkeypatch.setattr(contracts, "grad", lambda f, i: lambda *xs: (x, y))
    with pytest.raises(AssertionError, match="gradient 0 shares memory with an argument"):
        check_inputs_unchanged(np.add, (x, X))
    with pytest.raises(AssertionError, match="gradient 1 shares memory with an argument"):
        check_inputs_unchanged(np.add, (X, y))
    monkeypatch.setattr(contracts, "grad", lambda f, i: lambda *xs: (x, x))
    with pytest.raises(AssertionError, match="gradients 1 and 0 share memory"):
        check_inputs_unchanged(np.add, (X, X))


@pytest.mark.parametrize(
    ("layout", "depends"),
    [
        ("Fortran order", lambda x: x.flags.c_contiguous),
        ("non-contiguous arrays", lambda x: x.flags.contiguous or x.flags.f_contiguous),
        ("negative strides", lambda x: x.ndim < 2 or x.strides[0] > 0),
    ],
)
def test_a_gradient_that_depends_on_the_layout_fails(layout, depends):
    @wg.custom_gradient
    def f(x):
        return 2 * x, lambda g: g * (2.0 if depends(x) else 1.0)

    with pytest.raises(AssertionError, match=f"gradients for {layout} differ"):
        check_layouts(f, (A,))


def test_a_gradient_that_depends_on_aliasing_fails():
    @wg.custom_gradient
    def f(x, y):
        return x + y, lambda g: (g, 2 * g if np.shares_memory(x, y) else g)

    with pytest.raises(AssertionError, match="the same array as variables 0 and 1"):
        check_layouts(f, (X, X.copy()))


@pytest.mark.parametrize("check", CHECKERS)
def test_arguments_are_a_tuple_of_something_that_varies(check):
    with pytest.raises(InputError, match="for one argument write"):
        check(np.sin, X)
    with pytest.raises(InputError, match="None of the arguments"):
        check(np.sin, (3,))
