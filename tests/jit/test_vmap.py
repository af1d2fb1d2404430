"""Batches in compiled functions, and compiled functions in batches."""

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.jit import jit

RNG = np.random.default_rng(1964)
X = RNG.normal(size=(4, 3))
W = RNG.normal(size=(3, 3))
POSITIONS = RNG.integers(0, 3, (4, 2))


def updated(x):
    y = np.tanh(W @ x).copy()
    y[0] = 2 * x[1]
    return np.sum(np.where(y > 0, y, y * y)) + np.max(x)


def gathered(x, i):
    return np.sum(x[i] * x[i[0]])


def kinked(x):
    return np.sum(np.where(x > 0, np.sqrt(x), x))


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (wg.vmap(updated), (X,)),
        (wg.vmap(updated, in_axes=1), (X.T,)),
        (wg.vmap(wg.grad(updated)), (X,)),
        (wg.grad(lambda x: np.sum(wg.vmap(updated)(x))), (X,)),
        (wg.vmap(gathered), (X, POSITIONS)),
        (wg.vmap(wg.grad(gathered)), (X, POSITIONS)),
        (lambda t, i: wg.vmap(lambda i: 2.0 * wg.tensor(t)[i])(i), (W, POSITIONS)),
        (wg.grad(lambda t, i: np.sum(wg.vmap(lambda i: t[i])(i) ** 2)), (W, POSITIONS)),
        (wg.vmap(lambda t, i: t[i], (None, 0)), (W, POSITIONS)),
        (wg.vmap(wg.hessian(lambda x: np.sum(np.tanh(x) ** 3))), (X,)),
        (wg.vmap(wg.vmap(np.dot, (None, 0)), (0, None)), (X, X)),
        (wg.vmap(np.sort), (X,)),
        (wg.vmap(jit(updated)), (X,)),
        (wg.vmap(wg.grad(jit(updated))), (X,)),
    ],
)
def test_what_is_compiled_gives_the_same(f, args):
    np.testing.assert_allclose(jit(f)(*args), f(*args), rtol=1e-10, atol=1e-12)


def test_a_compiled_function_on_a_batch():
    compiled = jit(updated)
    compiled(X[0])
    np.testing.assert_allclose(wg.vmap(compiled)(X), [updated(x) for x in X], rtol=1e-12)
    np.testing.assert_allclose(wg.vmap(wg.grad(compiled))(X), [wg.grad(updated)(x) for x in X], rtol=1e-12)


def test_not_selected():
    with np.errstate(invalid="ignore"):
        expected = [wg.grad(kinked)(x) for x in X]
        found = jit(wg.vmap(wg.grad(kinked)))(X)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
