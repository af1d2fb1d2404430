"""Derivatives, of all kinds, of traced functions with loops and branches, against the same functions run untraced."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.loops_and_branches import (
    FUNCTIONS,
    V,
    X,
    agree,
    cond_in_scan,
    counted,
    loss_of,
    mixed_precision,
    python_number,
    rnn,
)

every = pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)


def tolerances_of(f):
    return {"rtol": 1e-6, "atol": 1e-7} if f is mixed_precision else {}


@every
def test_values(f):
    agree(wg.jit(f)(V, X), f(V, X), **tolerances_of(f))


@every
def test_gradients_inside_and_outside(f):
    loss = loss_of(f)
    expected = wg.grad(loss, (0, 1))(V, X)
    assert all([np.isfinite(g).all() for g in expected])
    agree(wg.jit(wg.grad(loss, (0, 1)))(V, X), expected, **tolerances_of(f))
    agree(wg.grad(wg.jit(loss), (0, 1))(V, X), expected, **tolerances_of(f))


@every
def test_forward_mode_inside_and_outside(f):
    loss = loss_of(f)
    expected = wg.jvp(loss, (V, X), (X[0], X))
    agree(wg.jit(lambda v, x: wg.jvp(loss, (v, x), (x[0], x)))(V, X), expected, **tolerances_of(f))
    agree(wg.jvp(wg.jit(loss), (V, X), (X[0], X)), expected, **tolerances_of(f))


@every
def test_second_derivatives(f):
    loss = loss_of(f)
    expected = wg.hvp(loss, (V, X), (V, X))
    agree(wg.jit(lambda v, x: wg.hvp(loss, (v, x), (v, x)))(V, X), expected, **tolerances_of(f))
    squares = lambda v, x: np.sum(wg.grad(loss)(v, x) ** 2)  # noqa: E731 - reverse over reverse
    agree(wg.jit(wg.grad(squares))(V, X), wg.grad(squares)(V, X), **tolerances_of(f))


def test_third_derivatives_and_hessians():
    loss = loss_of(rnn)
    second = lambda v, x: np.sum(wg.grad(lambda v: np.sum(wg.grad(loss)(v, x) ** 2))(v) ** 2)  # noqa: E731
    agree(wg.jit(wg.grad(second))(V, X), wg.grad(second)(V, X), rtol=1e-9)
    agree(wg.jit(wg.hessian(loss))(V, X), wg.hessian(loss)(V, X))
    agree(wg.hessian(wg.jit(loss))(V, X), wg.hessian(loss)(V, X))


@every
def test_batches(f):
    loss = loss_of(f)
    vs, xs = np.stack([V, 2 * V, -V]), np.stack([X, 0.5 * X, X[::-1]])
    agree(wg.jit(wg.vmap(loss))(vs, xs), np.stack([loss(*a) for a in zip(vs, xs, strict=True)]), **tolerances_of(f))
    same = wg.jit(wg.vmap(loss, (0, None)))(vs, X)
    agree(same, np.stack([loss(v, X) for v in vs]), **tolerances_of(f))


@every
def test_gradients_of_batches(f):
    loss = loss_of(f)
    vs, xs = np.stack([V, 2 * V, -V]), np.stack([X, 0.5 * X, X[::-1]])
    expected = np.stack([wg.grad(loss)(*a) for a in zip(vs, xs, strict=True)])
    agree(wg.jit(wg.vmap(wg.grad(loss)))(vs, xs), expected, **tolerances_of(f))
    of_sum = wg.jit(wg.grad(lambda vs, xs: np.sum(wg.vmap(loss)(vs, xs))))(vs, xs)
    agree(of_sum, expected, **tolerances_of(f))


@pytest.mark.parametrize("f", [rnn, counted, cond_in_scan, python_number], ids=lambda f: f.__name__)
def test_single_precision(f):
    v, x = V.astype(np.float32), X.astype(np.float32)
    agree(wg.jit(f)(v, x), f(v, x), rtol=1e-5, atol=1e-6)
    agree(wg.jit(wg.grad(loss_of(f)))(v, x), wg.grad(loss_of(f))(v, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_python_number_as_an_operand_widens_nothing(sign):
    def f(a, x):
        return np.sum(wg.cond(x[0, 0] > 0, lambda a: a * x, lambda a: x * a * 2, a))

    x = sign * X.astype(np.float32)
    assert wg.jit(f)(0.5, x).dtype == f(0.5, x).dtype == np.float32
    expected = wg.grad(f)(0.5, x)
    assert expected != 0
    for found in (wg.jit(wg.grad(f))(0.5, x), wg.grad(wg.jit(f))(0.5, x), wg.jvp(wg.jit(f), (0.5, x), (1.0, 0 * x))[1]):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_half_precision_adds_up_in_single():
    ones = np.ones(4096, np.float16)
    f = lambda w: np.sum(wg.scan(lambda c, r: (c, w * r), np.float16(0), ones)[1])  # noqa: E731
    g = wg.jit(wg.grad(f))(np.float16(1.0))
    assert g == 4096
    assert g.dtype == np.float16
