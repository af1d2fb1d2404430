"""``vmap`` by JAX: the same functions, axes and nestings."""

import jax
import jax.numpy
import numpy as np
import pytest

import wengert as wg

jax.config.update("jax_enable_x64", True)

RNG = np.random.default_rng(1964)
X = RNG.normal(size=(4, 3))
W = RNG.normal(size=(2, 3))
POSITIONS = RNG.integers(0, 3, (4, 2))


def network(np):
    def f(w, x):
        y = np.tanh(w @ x)
        return np.sum(np.where(y > 0, y, 0.1 * y) * np.sort(y)) + np.max(x) * np.linalg.norm(x)

    return f


def gathered(np):
    return lambda x, i: np.cumsum(x[i] * x[i[0]]) + np.einsum("i,j->", x, np.take(x, i))


def statistics(np):
    return lambda x: np.stack([np.var(x), np.prod(x), np.median(x), np.dot(x, x[::-1])])


@pytest.mark.parametrize(
    ("make", "in_axes", "out_axes", "args"),
    [
        (network, (None, 0), 0, (W, X)),
        (network, (0, None), 0, (np.stack([W, 2.0 * W]), X[0])),
        (network, (2, 1), 0, (RNG.normal(size=(2, 3, 4)), X.T)),
        (gathered, (0, 0), 1, (X, POSITIONS)),
        (gathered, (None, 0), -1, (X[0], POSITIONS)),
        (statistics, (-1,), 1, (X.T,)),
    ],
)
def test_values_and_derivatives(make, in_axes, out_axes, args):
    ours, theirs = make(np), make(jax.numpy)
    arrays = [jax.numpy.asarray(x) for x in args]
    found = wg.vmap(ours, in_axes, out_axes)(*args)
    np.testing.assert_allclose(found, jax.vmap(theirs, in_axes, out_axes)(*arrays), rtol=1e-12, atol=1e-12)
    variables = tuple([i for i, x in enumerate(args) if x.dtype.kind == "f"])
    gradients = wg.vmap(wg.grad(lambda *xs: np.sum(ours(*xs) ** 2), variables), in_axes)(*args)
    expected = jax.vmap(jax.grad(lambda *xs: jax.numpy.sum(theirs(*xs) ** 2), variables), in_axes)(*arrays)
    for g, e in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-11)
    slopes = wg.grad(lambda *xs: np.sum(wg.vmap(ours, in_axes)(*xs) ** 2), variables)(*args)
    expected = jax.grad(lambda *xs: jax.numpy.sum(jax.vmap(theirs, in_axes)(*xs) ** 2), variables)(*arrays)
    for g, e in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-11)


def test_curvature_of_each_example():
    ours, theirs = network(np), network(jax.numpy)
    found = wg.vmap(wg.hessian(ours, 1), (None, 0))(W, X)
    np.testing.assert_allclose(found, jax.vmap(jax.hessian(theirs, 1), (None, 0))(W, X), rtol=1e-10, atol=1e-11)


def test_batches_in_batches():
    found = wg.vmap(wg.vmap(lambda a, b: np.outer(a, b) @ b, (None, 0)), (0, None), 2)(X, X[:2])
    expected = jax.vmap(jax.vmap(lambda a, b: jax.numpy.outer(a, b) @ b, (None, 0)), (0, None), 2)(X, X[:2])
    np.testing.assert_allclose(found, expected, rtol=1e-12)
