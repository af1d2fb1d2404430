"""Donated arguments: results are written to the arrays that were given."""

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.executable import Executable
from wengert.errors import InputError


def step(params, x, y):
    def loss(params):
        return np.mean((np.tanh(x @ params["w"]) @ params["v"] + params["b"] - y) ** 2)

    value, gradient = wg.value_and_grad(loss)(params)
    return value, wg.tree_map(lambda p, g: p - 0.1 * g, params, gradient)


def start():
    rng = np.random.default_rng(0)
    params = {"w": rng.normal(size=(3, 5)), "v": rng.normal(size=5), "b": np.zeros(7)}
    return params, rng.normal(size=(7, 3)), rng.normal(size=7)


def test_parameters_are_replaced_where_they_are():
    params, x, y = start()
    expected = wg.tree_map(np.copy, params)
    before = dict(params)
    jitted = wg.jit(step, donate_argnums=0)
    for _ in range(5):
        known, expected = step(expected, x, y)
        value, params = jitted(params, x, y)
        np.testing.assert_allclose(value, known, rtol=1e-12)
    for name, array in params.items():
        assert array is before[name]
        np.testing.assert_allclose(array, expected[name], rtol=1e-10)


def test_what_is_read_later_is_not_overwritten_before():
    def f(x):
        return x[::-1] * 2, np.sum(x**2)

    x = np.arange(5.0)
    y, total = wg.jit(f, donate_argnums=0)(x)
    assert y is x
    np.testing.assert_array_equal(x, [8.0, 6.0, 4.0, 2.0, 0.0])
    assert total == 30.0


def test_a_program_writes_there_itself():
    jitted = wg.jit(lambda x, y: x - 0.5 * y, donate_argnums=(0,))
    x, y = np.ones(4), np.arange(4.0)
    assert jitted(x, y) is x
    (form,) = jitted._forms.values()
    assert isinstance(form[0].run, Executable)
    assert form[0].run.donated == {0: 0}


def test_results_of_another_form_are_new():
    x = np.ones(4)
    y = wg.jit(lambda x: x[:2] + 1, donate_argnums=0)(x)
    assert not np.shares_memory(x, y)
    np.testing.assert_array_equal(x, np.ones(4))


def test_nothing_is_overwritten_where_something_goes_wrong():
    jitted = wg.jit(lambda x, k: x[k] * 2 + x, donate_argnums=0)
    x = np.arange(3.0)
    with pytest.raises(IndexError):
        jitted(x, np.array([0, 3, 1]))
    np.testing.assert_array_equal(x, np.arange(3.0))


@pytest.mark.parametrize("spoil", [lambda x: x.setflags(write=False), None])
def test_what_cannot_be_donated(spoil):
    x = np.ones((3, 3))
    if spoil is None:
        x = x[:, ::2]
    else:
        spoil(x)
    with pytest.raises(InputError, match="donated"):
        wg.jit(lambda x: x * 2, donate_argnums=0)(x)


def test_derivatives_leave_arguments_alone():
    x = np.ones(3)
    g = wg.grad(lambda x: np.sum(wg.jit(lambda x: x * x, donate_argnums=0)(x)))(x)
    np.testing.assert_array_equal(g, 2 * np.ones(3))
    np.testing.assert_array_equal(x, np.ones(3))
