"""A record of ten large matrices, three of them read, two of these 20 times.

The gradient has the record's form. Its cost should be that of the three matrices that were read: if each read
contributes a record of its own, zero but for one field, the zeros cost more than the derivative (contender ``zeros``).
"""

from dataclasses import asdict, dataclass, fields

import numpy as np

from benchmarks.quantity import Step
from benchmarks.workload import Workload

SIZE, USES = 300, 20


@dataclass(frozen=True, slots=True)
class Record:
    """Ten matrices, of which the function reads ``start``, ``decay`` and ``drive``."""

    start: np.ndarray
    decay: np.ndarray
    drive: np.ndarray
    spare1: np.ndarray
    spare2: np.ndarray
    spare3: np.ndarray
    spare4: np.ndarray
    spare5: np.ndarray
    spare6: np.ndarray
    spare7: np.ndarray


NAMES = tuple(field.name for field in fields(Record))
UNREAD = tuple(name for name in NAMES if name not in ("start", "decay", "drive"))


def inputs(_smoke: bool) -> Record:
    rng = np.random.default_rng(0)
    return Record(*(rng.uniform(0.5, 1.0, size=(SIZE, SIZE)) for _ in NAMES))


def hand(record: Record) -> Step:
    start, decay, drive = record.start, record.decay, record.drive

    def step() -> object:
        ys = [start]
        for _ in range(USES):
            y = ys[-1] * decay
            y += drive
            ys.append(y)
        g = np.ones_like(start)
        gdecay, gdrive = np.zeros_like(decay), np.zeros_like(drive)
        for y in reversed(ys[:-1]):
            gdecay += g * y
            gdrive += g
            g *= decay
        unread = (np.zeros_like(getattr(record, name)) for name in UNREAD)
        return np.sum(ys[-1]), Record(g, gdecay, gdrive, *unread)

    return step


def zeros(record: Record) -> Step:
    start, decay, drive = record.start, record.decay, record.drive

    def contribute(total: Record | None, name: str, g: np.ndarray) -> Record:
        part = Record(*(g if each == name else np.zeros_like(start) for each in NAMES))
        return part if total is None else Record(*(getattr(total, each) + getattr(part, each) for each in NAMES))

    def step() -> object:
        ys = [start]
        for _ in range(USES):
            ys.append(ys[-1] * decay + drive)
        g = np.ones_like(start)
        total = None
        for y in reversed(ys[:-1]):
            total = contribute(total, "drive", g)
            total = contribute(total, "decay", g * y)
            g = g * decay
        return np.sum(ys[-1]), contribute(total, "start", g)

    return step


def wengert(record: Record) -> Step:
    import wengert as wg

    def f(record):
        y = record.start
        for _ in range(USES):
            y = y * record.decay + record.drive
        return np.sum(y)

    gradient = wg.value_and_grad(f)
    return lambda: gradient(record)


def mygrad(record: Record) -> Step:
    import mygrad as mg

    r = Record(*(mg.tensor(getattr(record, name)) for name in NAMES))

    def step() -> object:
        y = r.start
        for _ in range(USES):
            y = y * r.decay + r.drive
        total = mg.sum(y)
        total.backward()
        return total.data, Record(*(getattr(r, name).grad for name in NAMES))

    return step


def autograd(record: Record) -> Step:
    import autograd as ag
    import autograd.numpy as anp

    def f(record):
        y = record["start"]
        for _ in range(USES):
            y = y * record["decay"] + record["drive"]
        return anp.sum(y)

    gradient = ag.value_and_grad(f)
    as_dict = asdict(record)
    return lambda: gradient(as_dict)


def torch(record: Record) -> Step:
    import torch as th

    parameters = [th.tensor(getattr(record, name), requires_grad=True) for name in NAMES]
    r = Record(*parameters)

    def step() -> object:
        y = r.start
        for _ in range(USES):
            y = y * r.decay + r.drive
        total = th.sum(y)
        return total.detach(), Record(*th.autograd.grad(total, parameters, materialize_grads=True))

    return step


def jax(record: Record) -> Step:
    import jax as jx
    import jax.numpy as jnp

    def f(record):
        y = record["start"]
        for _ in range(USES):
            y = y * record["decay"] + record["drive"]
        return jnp.sum(y)

    gradient = jx.jit(jx.value_and_grad(f))
    as_dict = {name: jnp.asarray(getattr(record, name)) for name in NAMES}
    return lambda: jx.block_until_ready(gradient(as_dict))


WORKLOAD = Workload(
    title="a record of ten 300x300 matrices, three read, 41 reads in all, gradient in the record",
    target=1.5,
    inputs=inputs,
    contenders={
        "hand": hand,
        "wengert": wengert,
        "mygrad": mygrad,
        "autograd": autograd,
        "torch": torch,
        "jax": jax,
        "zeros": zeros,
    },
)
