"""What the memory guard costs where operations cost least: locking three numbers takes as long as adding them."""

from types import ModuleType

from benchmarks.quantity import Step
from benchmarks.workload import Workload
from benchmarks.workloads._guard import BASE, BASES, contenders
from benchmarks.workloads.chain import Inputs, hand, inputs


def program(mg: ModuleType, inputs: Inputs) -> Step:
    a, b = mg.tensor(inputs.a), mg.tensor(inputs.b)

    def step() -> object:
        y = mg.sum(mg.tanh(a * b + a) * b)
        y.backward()
        return y.data, (a.grad, b.grad)

    return step


WORKLOAD = Workload(
    title="memory guard on over off: tensors, sum(tanh(a*b + a) * b).backward(), n = 3",
    target=1.08,
    inputs=inputs,
    contenders={"hand": hand, **contenders(program)},
    base=BASE,
    bases=BASES,
)
