"""Calling a differentiable function for its value alone.

To wengert that is the NumPy function itself; what is measured is that neither the import of wengert nor its having
differentiated the function changes anything. The others call theirs in the mode that they have for this.
"""

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload
from benchmarks.workloads.chain import Inputs, inputs


def f(a, b):
    """The function that is called, and by wengert also differentiated."""
    return np.sum(np.tanh(a * b + a) * b)


def hand(inputs: Inputs) -> Step:
    a, b = inputs.a, inputs.b
    return lambda: f(a, b)


def wengert(inputs: Inputs) -> Step:
    import wengert as wg

    a, b = inputs.a, inputs.b
    wg.value_and_grad(f, argnums=(0, 1))(a, b)
    return lambda: f(a, b)


def mygrad(inputs: Inputs) -> Step:
    import mygrad as mg

    a, b = mg.tensor(inputs.a), mg.tensor(inputs.b)

    @mg.no_autodiff
    def g(a, b):
        return mg.sum(mg.tanh(a * b + a) * b)

    return lambda: g(a, b)


def autograd(inputs: Inputs) -> Step:
    import autograd.numpy as anp

    a, b = inputs.a, inputs.b

    def g(a, b):
        return anp.sum(anp.tanh(a * b + a) * b)

    return lambda: g(a, b)


def torch(inputs: Inputs) -> Step:
    import torch as th

    a, b = (th.tensor(each, requires_grad=True) for each in (inputs.a, inputs.b))

    @th.no_grad()
    def g(a, b):
        return th.sum(th.tanh(a * b + a) * b)

    return lambda: g(a, b)


def jax(inputs: Inputs) -> Step:
    import jax as jx
    import jax.numpy as jnp

    a, b = jnp.asarray(inputs.a), jnp.asarray(inputs.b)

    @jx.jit
    def g(a, b):
        return jnp.sum(jnp.tanh(a * b + a) * b)

    return lambda: jx.block_until_ready(g(a, b))


WORKLOAD = Workload(
    title="sum(tanh(a*b + a) * b), the value alone, n = 3",
    target=1.0,
    slack=0.03,
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
