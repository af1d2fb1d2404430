"""The digits network on one image, compiled: matrices are read once and their gradients written once."""

from benchmarks.workloads._jit import MLP, mlp_inputs, workload

WORKLOAD = workload(
    MLP,
    title="784x300x100x10 network with cross-entropy, gradient in all parameters, batch 1",
    target=0.25,
    inputs=lambda _smoke: mlp_inputs(1),
)
