"""What an unrecorded forward pass costs of a whole step of training, which also goes backward.

Hand's ratio is the limit: the forward pass on plain arrays.
"""

from types import ModuleType
from typing import Any

from benchmarks.quantity import Step
from benchmarks.workload import Workload
from benchmarks.workloads._no_autodiff import BASE, BASES, contenders, program
from benchmarks.workloads.rnn import Inputs, inputs


def forward_and_backward(mg: ModuleType, inputs: Inputs) -> Step:
    forward: Any = program(mg, inputs)

    def step() -> object:
        loss = forward()
        loss.backward()
        return loss

    return step


WORKLOAD = Workload(
    title="forward pass of the network of rnn within no_autodiff, over forward and backward pass",
    target=0.33,
    inputs=inputs,
    contenders=contenders(forward_and_backward),
    base=BASE,
    bases=BASES,
)
