"""A small expression on tensors whose derivative nobody wants, over the same expression on arrays.

Recording is suspended around the step, as around a whole evaluation of a model: entering ``no_autodiff`` each time is
not part of what is measured. ``plain_call`` is the same without tensors.
"""

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload
from benchmarks.workloads.chain import Inputs, inputs


def hand(inputs: Inputs) -> Step:
    a, b = inputs.a, inputs.b
    return lambda: np.sum(np.tanh(a * b + a) * b)


def wengert(inputs: Inputs) -> Step:
    import wengert as wg

    wg.no_autodiff.__enter__()
    a, b = wg.tensor(inputs.a), wg.tensor(inputs.b)
    return lambda: wg.sum(wg.tanh(a * b + a) * b)


def mygrad(inputs: Inputs) -> Step:
    import mygrad as mg

    mg.no_autodiff.__enter__()
    a, b = mg.tensor(inputs.a), mg.tensor(inputs.b)
    return lambda: mg.sum(mg.tanh(a * b + a) * b)


def torch(inputs: Inputs) -> Step:
    import torch as th

    th.no_grad().__enter__()
    a, b = (th.tensor(each, requires_grad=True) for each in (inputs.a, inputs.b))
    return lambda: th.sum(th.tanh(a * b + a) * b)


def jax(inputs: Inputs) -> Step:
    import jax as jx
    import jax.numpy as jnp

    f = jx.jit(lambda a, b: jnp.sum(jnp.tanh(a * b + a) * b))
    a, b = jnp.asarray(inputs.a), jnp.asarray(inputs.b)
    return lambda: jx.block_until_ready(f(a, b))


WORKLOAD = Workload(
    title="sum(tanh(a*b + a) * b) of tensors within no_autodiff, n = 3",
    target=1.5,
    inputs=inputs,
    contenders={"hand": hand, "wengert": wengert, "mygrad": mygrad, "torch": torch, "jax": jax},
)
