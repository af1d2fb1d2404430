"""Loops and branches beside JAX's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import wengert as wg

jax.config.update("jax_enable_x64", True)

both = pytest.mark.parametrize("as_called", [lambda f: f, wg.jit], ids=["as it is", "compiled"])

RNG = np.random.default_rng(3)
W, H, XS = RNG.normal(size=(3, 3)), RNG.normal(size=3), RNG.normal(size=(6, 3))


def program(np, scan, cond, fori_loop):
    def loss(w, h, xs):
        def step(h, x):
            h = cond(np.sum(x) > 0, lambda h: np.tanh(w @ h + x), lambda h: h * 0.5 - x, h)
            return h, fori_loop(0, 3, lambda i, t: t * np.cos(h[i]), np.sum(h))

        h, ys = scan(step, h, xs)
        return np.sum(h) + np.sum(ys**2)

    return loss


ours = program(np, wg.scan, wg.cond, wg.fori_loop)
theirs = program(jnp, jax.lax.scan, jax.lax.cond, jax.lax.fori_loop)


@both
def test_values_and_gradients(as_called):
    f = wg.value_and_grad(ours, (0, 1, 2))
    value, gradients = as_called(f)(W, H, XS)
    expected, expected_gradients = jax.value_and_grad(theirs, (0, 1, 2))(W, H, XS)
    np.testing.assert_allclose(value, expected)
    for g, e in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-10)


@both
def test_hessians_and_batches(as_called):
    f = wg.hessian(ours, 1)
    np.testing.assert_allclose(as_called(f)(W, H, XS), jax.hessian(theirs, 1)(W, H, XS), rtol=1e-9)
    g = wg.vmap(wg.grad(ours), (None, 0, None))
    hs = RNG.normal(size=(4, 3))
    expected = jax.vmap(jax.grad(theirs), (None, 0, None))(W, hs, XS)
    np.testing.assert_allclose(as_called(g)(W, hs, XS), expected, rtol=1e-10)


@both
def test_while_loops(as_called):
    def f(while_loop):
        return lambda a: while_loop(lambda x: abs(x * x - a) > 1e-10, lambda x: 0.5 * (x + a / x), a)

    starts = np.array([0.5, 2.0, 9.0])
    mapped = wg.vmap(f(wg.while_loop))
    expected = jax.vmap(f(jax.lax.while_loop))(starts)
    np.testing.assert_allclose(as_called(mapped)(starts), expected, rtol=1e-15)
    tangent = lambda a: wg.jvp(mapped, (a,), (np.ones(3),))[1]  # noqa: E731
    expected = jax.jvp(jax.vmap(f(jax.lax.while_loop)), (starts,), (np.ones(3),))[1]
    np.testing.assert_allclose(as_called(tangent)(starts), expected, rtol=1e-14)
