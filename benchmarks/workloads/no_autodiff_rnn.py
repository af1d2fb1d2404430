"""What is saved by not recording a forward pass, over the same pass recorded: a ratio of 0.33× is a speed-up of 3.

Hand's ratio is the limit: the same pass on plain arrays. The less recording costs, the less there is to save; what a
speed-up of 3 is asked of is ``no_autodiff_step``.
"""

from benchmarks.workload import Workload
from benchmarks.workloads._no_autodiff import BASE, BASES, contenders, program
from benchmarks.workloads.rnn import inputs

WORKLOAD = Workload(
    title="forward pass of the network of rnn on tensors, within no_autodiff over recorded",
    target=0.5,
    inputs=inputs,
    contenders=contenders(program),
    base=BASE,
    bases=BASES,
)
