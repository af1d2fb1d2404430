"""A chain of 100,000 operations on three numbers: no recursion, no cost that grows with the length of the tape.

JAX takes a ``scan`` here: it would trace and compile the written-out loop for minutes.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload


@dataclass(frozen=True, slots=True)
class Inputs:
    """The argument, and how many times ``y = tanh(y + x)``, two operations, is to be applied."""

    x: np.ndarray
    times: int


def inputs(smoke: bool) -> Inputs:
    return Inputs(np.random.default_rng(0).normal(size=3), 500 if smoke else 50_000)


def hand(inputs: Inputs) -> Step:
    x, times = inputs.x, inputs.times

    def step() -> object:
        y = x
        ys = []
        for _ in range(times):
            y = np.tanh(y + x)
            ys.append(y)
        g, gx = np.ones_like(x), np.zeros_like(x)
        for y in reversed(ys):
            g = g * (1 - y * y)
            gx += g
        return np.sum(ys[-1]), gx + g

    return step


def wengert(inputs: Inputs) -> Step:
    import wengert as wg

    def f(x):
        y = x
        for _ in range(inputs.times):
            y = np.tanh(y + x)
        return np.sum(y)

    gradient = wg.value_and_grad(f)
    return lambda: gradient(inputs.x)


def mygrad(inputs: Inputs) -> Step:
    import mygrad as mg

    x = mg.tensor(inputs.x)

    def step() -> object:
        y = x
        for _ in range(inputs.times):
            y = mg.tanh(y + x)
        total = mg.sum(y)
        total.backward()
        return total.data, x.grad

    return step


def autograd(inputs: Inputs) -> Step:
    import autograd as ag
    import autograd.numpy as anp

    def f(x):
        y = x
        for _ in range(inputs.times):
            y = anp.tanh(y + x)
        return anp.sum(y)

    gradient = ag.value_and_grad(f)
    return lambda: gradient(inputs.x)


def torch(inputs: Inputs) -> Step:
    import torch as th

    x = th.tensor(inputs.x, requires_grad=True)

    def step() -> object:
        y = x
        for _ in range(inputs.times):
            y = th.tanh(y + x)
        total = th.sum(y)
        return total.detach(), *th.autograd.grad(total, (x,))

    return step


def jax(inputs: Inputs) -> Step:
    import jax as jx
    import jax.numpy as jnp

    def f(x):
        y, _ = jx.lax.scan(lambda y, _: (jnp.tanh(y + x), None), x, length=inputs.times)
        return jnp.sum(y)

    gradient = jx.jit(jx.value_and_grad(f))
    x = jnp.asarray(inputs.x)
    return lambda: jx.block_until_ready(gradient(x))


WORKLOAD = Workload(
    title="100,000 operations, y = tanh(y + x) again and again, n = 3, value and gradient in x",
    target=3.0,
    inputs=inputs,
    contenders={
        "hand": hand,
        "wengert": wengert,
        "mygrad": mygrad,
        "autograd": autograd,
        "torch": torch,
        "jax": jax,
    },
)
