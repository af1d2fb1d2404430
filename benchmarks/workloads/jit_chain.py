"""A few operations on three numbers, compiled: what a call costs when the arithmetic costs nothing."""

from benchmarks.workloads._jit import CHAIN, chain_inputs, workload

WORKLOAD = workload(
    CHAIN,
    title="sum(tanh(a*b + a) * b), value and gradient in a, n = 3",
    target=0.05,
    inputs=lambda _smoke: chain_inputs(3),
)
