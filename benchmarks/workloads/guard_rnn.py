"""What the memory guard costs in a loop of small operations that share parameters and read slices of the data."""

from dataclasses import astuple
from types import ModuleType

from benchmarks.quantity import Step
from benchmarks.workload import Workload
from benchmarks.workloads._guard import BASE, BASES, contenders
from benchmarks.workloads.rnn import STEPS, Inputs, Parameters, hand, inputs


def program(mg: ModuleType, inputs: Inputs) -> Step:
    X, Y, h0 = inputs.X, inputs.Y, inputs.h0
    p = Parameters(*(mg.tensor(each) for each in astuple(inputs.parameters)))

    def step() -> object:
        h = h0
        for t in range(STEPS):
            h = mg.tanh(X[t] @ p.Wx + h @ p.Wh + p.b)
        loss = 0.5 * mg.sum((h @ p.Wo - Y) ** 2)
        loss.backward()
        return loss.data, Parameters(p.Wx.grad, p.Wh.grad, p.b.grad, p.Wo.grad)

    return step


WORKLOAD = Workload(
    title="memory guard on over off: tensors, the network of rnn, loss.backward()",
    target=1.05,
    inputs=inputs,
    contenders={"hand": hand, **contenders(program)},
    base=BASE,
    bases=BASES,
)
