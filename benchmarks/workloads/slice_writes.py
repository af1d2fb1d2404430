"""Writing to a long array: what is not written must not be paid for.

MyGrad takes part in ``slice_writes_short`` only: it keeps copies of the whole array for each write, 15 GB here.
"""

from benchmarks.workload import Workload
from benchmarks.workloads._slice_writes import CONTENDERS, inputs_of

WORKLOAD = Workload(
    title="1000 writes h[i:i+4] = v * 2 to a copy of 10^6 numbers, sum(h * h), value and gradient",
    target=3.0,
    inputs=lambda smoke: inputs_of(1000, 10) if smoke else inputs_of(10**6, 1000),
    contenders={name: contender for name, contender in CONTENDERS.items() if name != "mygrad"},
)
