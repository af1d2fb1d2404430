"""What the memory guard costs where arithmetic outweighs it: locking an array takes as long whatever its size."""

from dataclasses import astuple
from types import ModuleType

from benchmarks.quantity import Step
from benchmarks.workload import Workload
from benchmarks.workloads._guard import BASE, BASES, contenders
from benchmarks.workloads._mlp import Inputs, Parameters, hand, inputs_of


def program(mg: ModuleType, inputs: Inputs) -> Step:
    x, y, n = inputs.x, inputs.y, len(inputs.x)
    p = Parameters(*(mg.tensor(each) for each in astuple(inputs.parameters)))

    def step() -> object:
        h1 = 1 / (1 + mg.exp(-(x @ p.W1 + p.b1)))
        h2 = 1 / (1 + mg.exp(-(h1 @ p.W2 + p.b2)))
        e = mg.exp(h2 @ p.W3 + p.b3)
        softmax = e / mg.sum(e, axis=1, keepdims=True)
        loss = -mg.sum(y * mg.log(softmax)) / n
        loss.backward()
        return loss.data, Parameters(p.W1.grad, p.b1.grad, p.W2.grad, p.b2.grad, p.W3.grad, p.b3.grad)

    return step


WORKLOAD = Workload(
    title="memory guard on over off: tensors, the network of mlp_b128, loss.backward()",
    target=1.0,
    slack=0.03,
    inputs=lambda _smoke: inputs_of(128),
    contenders={"hand": hand, **contenders(program)},
    base=BASE,
    bases=BASES,
)
