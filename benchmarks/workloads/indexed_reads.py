"""200 reads of single entries of a large array: must each read's gradient be an array of a million zeros?"""

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload

SIZE, READS = 1_000_000, 200


def inputs(_smoke: bool) -> np.ndarray:
    return np.random.default_rng(0).normal(size=SIZE)


def hand(x: np.ndarray) -> Step:
    def step() -> object:
        read = x[:READS]
        g = np.zeros_like(x)
        g[:READS] = 2 * read
        return np.sum(read * read), g

    return step


def wengert(x: np.ndarray) -> Step:
    import wengert as wg

    def f(x):
        s = 0.0
        for i in range(READS):
            s = s + x[i] * x[i]
        return s

    gradient = wg.value_and_grad(f)
    return lambda: gradient(x)


def mygrad(x: np.ndarray) -> Step:
    import mygrad as mg

    t = mg.tensor(x)

    def step() -> object:
        s = 0.0
        for i in range(READS):
            s = s + t[i] * t[i]
        s.backward()
        return s.data, t.grad

    return step


def autograd(x: np.ndarray) -> Step:
    import autograd as ag

    def f(x):
        s = 0.0
        for i in range(READS):
            s = s + x[i] * x[i]
        return s

    gradient = ag.value_and_grad(f)
    return lambda: gradient(x)


def torch(x: np.ndarray) -> Step:
    import torch as th

    t = th.tensor(x, requires_grad=True)

    def step() -> object:
        s = 0.0
        for i in range(READS):
            s = s + t[i] * t[i]
        return s.detach(), *th.autograd.grad(s, (t,))

    return step


def jax(x: np.ndarray) -> Step:
    import jax as jx
    import jax.numpy as jnp

    def f(x):
        s = 0.0
        for i in range(READS):
            s = s + x[i] * x[i]
        return s

    gradient = jx.jit(jx.value_and_grad(f))
    t = jnp.asarray(x)
    return lambda: jx.block_until_ready(gradient(t))


WORKLOAD = Workload(
    title="200 reads x[i]*x[i] from 1,000,000 entries, value and gradient in x",
    target=8.0,
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
