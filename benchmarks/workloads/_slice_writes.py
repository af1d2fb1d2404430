"""Short slices of one array are overwritten in a loop; the derivative must cost what was written, not the array.

An engine that makes a new array of each write, or a zero array of each gradient, does 1000 times the work. Positions
are drawn at random: in a short array most slices are overwritten again by later ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.quantity import Step

WIDTH = 4


@dataclass(frozen=True, slots=True)
class Inputs:
    """The array ``x`` that is written to after copying, the slice's source ``v``, and where it is written."""

    x: np.ndarray
    v: np.ndarray
    starts: list[int]


def inputs_of(size: int, writes: int) -> Inputs:
    """Inputs of so many elements and so many writes."""
    rng = np.random.default_rng(0)
    starts = rng.integers(size - WIDTH, size=writes).tolist()
    return Inputs(rng.normal(size=size), rng.normal(size=WIDTH), starts)


def function_of(inputs: Inputs) -> Callable[..., object]:
    """The program as a NumPy user writes it, which wengert takes as it is."""

    def f(x, v):
        h = np.copy(x)
        for i in inputs.starts:
            h[i : i + WIDTH] = v * 2
        return np.sum(h * h)

    return f


def hand(inputs: Inputs) -> Step:
    """Go back through the writes in place: what was overwritten has no influence on the result."""
    x, v, starts = inputs.x, inputs.v, inputs.starts

    def step() -> object:
        h = np.copy(x)
        for i in starts:
            h[i : i + WIDTH] = v * 2
        g, gv = 2 * h, np.zeros(WIDTH)
        for i in reversed(starts):
            written = g[i : i + WIDTH]
            gv += 2 * written
            written[:] = 0
        return np.sum(h * h), (g, gv)

    return step


def wengert(inputs: Inputs) -> Step:
    """Differentiate the program as it stands."""
    import wengert as wg

    gradient = wg.value_and_grad(function_of(inputs), argnums=(0, 1))
    return lambda: gradient(inputs.x, inputs.v)


def mygrad(inputs: Inputs) -> Step:
    """Write to a tensor."""
    import mygrad as mg

    x, v = mg.tensor(inputs.x), mg.tensor(inputs.v)

    def step() -> object:
        h = +x
        for i in inputs.starts:
            h[i : i + WIDTH] = v * 2
        y = mg.sum(h * h)
        y.backward()
        return y.data, (x.grad, v.grad)

    return step


def torch(inputs: Inputs) -> Step:
    """Write to a clone."""
    import torch as th

    x, v = (th.tensor(each, requires_grad=True) for each in (inputs.x, inputs.v))

    def step() -> object:
        h = x.clone()
        for i in inputs.starts:
            h[i : i + WIDTH] = v * 2
        y = th.sum(h * h)
        return y.detach(), th.autograd.grad(y, (x, v))

    return step


def jax(inputs: Inputs) -> Step:
    """Carry the array through a ``scan`` of updates: tracing and compiling the written-out loop takes too long."""
    import jax as jx
    import jax.numpy as jnp

    def f(x, v, starts):
        def write(h, i):
            return jx.lax.dynamic_update_slice(h, v * 2, (i,)), None

        h, _ = jx.lax.scan(write, x, starts)
        return jnp.sum(h * h)

    gradient = jx.jit(jx.value_and_grad(f, argnums=(0, 1)))
    x, v, starts = jnp.asarray(inputs.x), jnp.asarray(inputs.v), jnp.asarray(inputs.starts)
    return lambda: jx.block_until_ready(gradient(x, v, starts))


CONTENDERS = {"hand": hand, "wengert": wengert, "mygrad": mygrad, "torch": torch, "jax": jax}
