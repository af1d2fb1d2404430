"""The digits network on 128 images: matrix products outweigh all else."""

from benchmarks.workload import Workload
from benchmarks.workloads._mlp import CONTENDERS, inputs_of

WORKLOAD = Workload(
    title="784x300x100x10 network with cross-entropy, gradient in all parameters, batch 128",
    target=1.05,
    inputs=lambda _smoke: inputs_of(128),
    contenders=CONTENDERS,
)
