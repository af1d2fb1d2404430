"""A hyperbolic tangent and its derivative on ten million numbers, compiled: memory and arithmetic."""

from benchmarks.workloads._jit import CHAIN, chain_inputs, workload

WORKLOAD = workload(
    CHAIN,
    title="sum(tanh(a*b + a) * b), value and gradient in a, n = 10,000,000",
    target=0.5,
    inputs=lambda smoke: chain_inputs(10_000 if smoke else 10_000_000),
)
