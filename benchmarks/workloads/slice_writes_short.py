"""The writes of ``slice_writes`` to a short array: what a write itself costs."""

from benchmarks.workload import Workload
from benchmarks.workloads._slice_writes import CONTENDERS, inputs_of

WORKLOAD = Workload(
    title="1000 writes h[i:i+4] = v * 2 to a copy of 1000 numbers, sum(h * h), value and gradient",
    target=3.0,
    inputs=lambda smoke: inputs_of(1000, 10 if smoke else 1000),
    contenders=CONTENDERS,
)
