"""The digits network on one image: matrix-vector products and the outer products of their gradients."""

from benchmarks.workload import Workload
from benchmarks.workloads._mlp import CONTENDERS, inputs_of

WORKLOAD = Workload(
    title="784x300x100x10 network with cross-entropy, gradient in all parameters, batch 1",
    target=1.15,
    inputs=lambda _smoke: inputs_of(1),
    contenders=CONTENDERS,
)
