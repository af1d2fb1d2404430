"""Functions that make new tensors: values and parameters are NumPy's, flags as documented, derivatives recorded."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import InputError
from wengert.testing import check_jacobian, check_orders, check_transpose

X = np.array([0.3, -1.2, 2.0])

NUMPYS_CALLS = {
    "arange": [
        ((3,), {}), ((3.0,), {}), ((1, 4), {}), ((1.0, 4.0, 0.5), {}), ((0, 3, 1, np.float32), {}), ((), {"stop": 3}),
        ((5,), {"step": 2}), ((), {"start": 1, "stop": 3}), ((4, None), {}), ((np.float32(3),), {}), ((3, 0, -1), {}),
    ],
    "empty": [(((0, 3),), {}), ((0, int), {})],
    "eye": [((3,), {}), ((2, 3, 1), {}), ((2,), {"dtype": np.float32, "order": "F"}), ((2, None, -1), {})],
    "full": [((2, 3.0), {}), (((2, 3), [1, 2, 3]), {}), ((2, 1, float), {}), (((), 2.5), {}), ((2, 1j), {})],
    "geomspace": [
        ((1, 100, 3), {}), ((1.0, 8.0), {"num": 4, "endpoint": False}), (([1, 2], [8, 16], 4, True, None, 1), {}),
],
    "identity": [((3,), {}), ((2, np.float32), {}), ((2, int), {})],
    "linspace": [
        ((0, 1, 5), {}), ((0, 1, 5, False), {}), (([0, 1], [1, 3], 3), {"axis": 1}),
        ((0, 1, 3, True, False, np.float32), {}),
        ((0, 3, 4), {"dtype": int}), ((0.0, 1.0, 0), {}), ((0, 1j, 3), {}),
    ],
    "logspace": [((0, 2, 3), {}), ((0, 2, 3, False, 2.0), {}), ((0, 2, 3), {"dtype": np.float32})],
    "ones": [
        ((3,), {}), (((2, 3),), {}), ((2, int), {}), (((),), {}), ((2,), {"dtype": "c8", "order": "F"}),
        (([2, 1],), {}),
],
    "zeros": [((3,), {}), (((2, 3),), {}), ((2, bool), {}), (((),), {}), ((2,), {"dtype": "f2"}), ((np.int64(2),), {})],
    "full_like": [
        ((X, 2), {}), ((X, 2.5), {"dtype": int}), ((X, 1), {"shape": (2, 2)}), (([1, 2], 0.5), {}),
        ((X, [1, 2, 3]), {}),
],
    "ones_like": [((X,), {}), ((X, np.float32), {}), ((X[None],), {"shape": 2}), (([1, 2],), {}), ((3,), {})],
    "zeros_like": [((X,), {}), ((X, None, "F"), {}), ((np.asfortranarray(np.ones((2, 3))),), {}), ((3.0,), {})],
}  # fmt: skip

CREATORS = {
    "arange": (3.0,), "empty": (3,), "empty_like": (X,), "eye": (3,), "full": (2, 1.0), "full_like": (X, 1.0),
    "geomspace": (1.0, 8.0), "identity": (3,), "linspace": (0.0, 1.0), "logspace": (0.0, 1.0), "ones": (3,),
    "ones_like": (X,), "zeros": (3,), "zeros_like": (X,),
}  # fmt: skip

everyone = pytest.mark.parametrize("name", CREATORS)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [pytest.param(n, *c, id=f"{n}-{k}") for n, calls in NUMPYS_CALLS.items() for k, c in enumerate(calls)],
)
def test_values_are_numpys(name, args, kwargs):
    y, z = getattr(wg, name)(*args, **kwargs), getattr(np, name)(*args, **kwargs)
    assert isinstance(y, wg.Tensor)
    assert type(y.data) is np.ndarray
    assert y.dtype == z.dtype
    assert y.data.flags.f_contiguous == z.flags.f_contiguous
    np.testing.assert_array_equal(y.data, z)
    assert y.constant == (z.dtype.kind not in "fc")


# The flag


@everyone
def test_flags(name):
    create, args = getattr(wg, name), CREATORS[name]
    assert not create(*args).constant
    assert not create(*args, constant=False).constant
    assert create(*args, constant=True).constant
    assert create(*args, constant=np.True_).constant
    for wrong in (1, "no"):
        with pytest.raises(TypeError, match="constant must be True, False or None"):
            create(*args, constant=wrong)


@everyone
def test_integers_are_constants(name):
    create, args = getattr(wg, name), CREATORS[name]
    assert create(*args, dtype=int).constant
    with pytest.raises(ValueError, match=r"int64.*always a constant|constant=False for a result of int64"):
        create(*args, dtype=int, constant=False)


@everyone
def test_complex_numbers_are_variables(name):
    assert not getattr(wg, name)(*CREATORS[name], dtype=complex).constant


@everyone
def test_what_is_no_number_is_refused(name):
    with pytest.raises((InputError, TypeError, ValueError)):
        getattr(wg, name)(*CREATORS[name], dtype=object)


@pytest.mark.parametrize("like", [wg.zeros_like, wg.ones_like, wg.empty_like, lambda x, **k: wg.full_like(x, 1.0, **k)])
def test_like_a_tensor(like):
    variable, constant = wg.tensor(X), wg.tensor(X, constant=True)
    assert not like(variable).constant
    assert like(variable, constant=True).constant
    assert like(constant).constant
    assert not like(constant, constant=False).constant
    assert like(variable, dtype=int).constant
    assert not like(X).constant
    assert not like([1.0, 2.0]).constant


# MyGrad's parameters


def test_mygrads_parameters():
    assert wg.zeros_like(X, None, (2,)).shape == (2,)
    assert wg.ones_like(other=X).shape == (3,)
    assert wg.full_like(X, 1.0, None, (2,)).shape == (2,)
    assert wg.full_like(X, 1.0, None, (2,), True).constant
    assert not wg.full_like(X, 1.0, None, (2,)).constant
    assert wg.linspace(0, 1, 5, True, np.float32).dtype == np.float32
    assert wg.linspace([0, 1], [1, 2], 5, True, None, 1).shape == (2, 5)
    assert wg.linspace(0, 1, 5, True, np.float32, 0).dtype == np.float32


def test_spacing_is_returned_on_demand():
    y, step = wg.linspace(0.0, 1.0, 5, retstep=True)
    assert y.shape == (5,)
    assert step == 0.25


# Derivatives

COMPUTED = {
    "full": lambda x: wg.full((2, 3), x),
    "full of a list": lambda x: wg.full((2, 3), [x[0], 2.0, x[1]]),
    "full_like": lambda x: wg.full_like(np.zeros((2, 3)), x),
    "full_like a traced array": lambda x: wg.full_like(x, x[1]),
    "arange": lambda x: wg.arange(x[1], 2.5, x[2] / 4.0),
    "arange from 0": lambda x: wg.arange(2.3, step=x[2] / 4.0),
    "linspace": lambda x: wg.linspace(x, 2.0, 4),
    "linspace of lists": lambda x: wg.linspace([x[0], x[1]], [x[2], 1.0], 3),
    "logspace": lambda x: wg.logspace(x, 0.5, 3),
    "geomspace": lambda x: wg.geomspace(x * x, 3.0, 3),
}


@pytest.mark.parametrize("f", COMPUTED.values(), ids=COMPUTED)
def test_computed_from_traced_values(f):
    check_jacobian(f, (X,))
    check_transpose(f, (X,))
    check_orders(f, (X,), order=2)


@pytest.mark.parametrize("f", COMPUTED.values(), ids=COMPUTED)
def test_computed_from_tensors(f):
    x = wg.tensor(X)
    y = f(x)
    np.testing.assert_allclose(y.data, f(X).data, rtol=1e-15)
    y.backward()
    np.testing.assert_allclose(x.grad, wg.grad(lambda x: np.sum(f(x)))(X), rtol=1e-14)


def test_computed_from_constants_is_a_variable():
    c = wg.tensor(2.0, constant=True)
    for y in (wg.full(2, c), wg.linspace(c, 3.0, 4), wg.arange(c), wg.full_like(X, c)):
        assert not y.constant
    assert wg.full(2, wg.tensor(2.0), constant=True).constant
    assert wg.full(2, wg.tensor(2.0), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("make", [
    wg.zeros_like, wg.ones_like, wg.empty_like, lambda x: wg.full_like(x, 3.0), lambda x: wg.zeros(3),
    lambda x: wg.zeros(3, constant=True),
])  # fmt: skip
def test_traced_values_can_be_written(make):
    def f(x):
        y = make(x)
        y[:] = x * x
        y[1] *= x[0]
        return np.sum(y)

    expected = np.array([2.0 * X[0] + X[1] ** 2, 2.0 * X[0] * X[1], 2.0 * X[2]])
    np.testing.assert_allclose(wg.grad(f)(X), expected, rtol=1e-15)
    np.testing.assert_allclose(wg.jvp(f, (X,), (X,))[1], expected @ X, rtol=1e-15)
    np.testing.assert_allclose(wg.hessian(f)(X)[0], [2.0, 2.0 * X[1], 0.0], rtol=1e-15)
