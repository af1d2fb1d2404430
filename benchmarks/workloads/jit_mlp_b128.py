"""The digits network on 128 images, compiled: matrix products outweigh all else."""

from benchmarks.workloads._jit import MLP, mlp_inputs, workload

WORKLOAD = workload(
    MLP,
    title="784x300x100x10 network with cross-entropy, gradient in all parameters, batch 128",
    target=0.9,
    inputs=lambda _smoke: mlp_inputs(128),
)
