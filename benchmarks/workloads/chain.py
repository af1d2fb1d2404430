"""A few operations on three numbers: what a call costs when the arithmetic costs nothing."""

from dataclasses import dataclass

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload


@dataclass(frozen=True, slots=True)
class Inputs:
    """The two arguments."""

    a: np.ndarray
    b: np.ndarray


def inputs(_smoke: bool) -> Inputs:
    a, b = np.random.default_rng(0).normal(size=(2, 3))
    return Inputs(a, b)


def hand(inputs: Inputs) -> Step:
    a, b = inputs.a, inputs.b

    def step() -> object:
        t = np.tanh(a * b + a)
        g = b * (1 - t * t)
        return np.sum(t * b), (g * (b + 1), g * a + t)

    return step


def wengert(inputs: Inputs) -> Step:
    import wengert as wg

    def f(a, b):
        return np.sum(np.tanh(a * b + a) * b)

    gradient = wg.value_and_grad(f, argnums=(0, 1))
    return lambda: gradient(inputs.a, inputs.b)


def mygrad(inputs: Inputs) -> Step:
    import mygrad as mg

    a, b = mg.tensor(inputs.a), mg.tensor(inputs.b)

    def step() -> object:
        y = mg.sum(mg.tanh(a * b + a) * b)
        y.backward()
        return y.data, (a.grad, b.grad)

    return step


def autograd(inputs: Inputs) -> Step:
    import autograd as ag
    import autograd.numpy as anp

    def f(a, b):
        return anp.sum(anp.tanh(a * b + a) * b)

    gradient = ag.value_and_grad(f, argnum=(0, 1))
    return lambda: gradient(inputs.a, inputs.b)


def torch(inputs: Inputs) -> Step:
    import torch as th

    a, b = (th.tensor(each, requires_grad=True) for each in (inputs.a, inputs.b))

    def step() -> object:
        y = th.sum(th.tanh(a * b + a) * b)
        return y.detach(), th.autograd.grad(y, (a, b))

    return step


def jax(inputs: Inputs) -> Step:
    import jax as jx
    import jax.numpy as jnp

    def f(a, b):
        return jnp.sum(jnp.tanh(a * b + a) * b)

    gradient = jx.jit(jx.value_and_grad(f, argnums=(0, 1)))
    a, b = jnp.asarray(inputs.a), jnp.asarray(inputs.b)
    return lambda: jx.block_until_ready(gradient(a, b))


WORKLOAD = Workload(
    title="sum(tanh(a*b + a) * b), value and gradient in a and b, n = 3",
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
