"""Programs run by NumPy and the interpreter of kernels: what native programs are compared with."""

import numpy as np

from wengert.compiler.interpret import interpret
from wengert.compiler.program import ALARM, Alarm, Call, Gemm, Loop, with_refs


def interpreted(program, poison=0xA5):
    """A function that runs ``program``; its workspace and outputs begin as bytes of ``poison``."""

    def run(arrays):
        outputs = [poisoned(s, poison) for s in program.outputs]
        assert [(a.shape, a.dtype) for a in arrays] == [tuple(s) for s in program.inputs]
        work = np.full(program.work + 64, poison, np.uint8)
        slots = {
            "input": [np.ascontiguousarray(a).reshape(-1).view(np.uint8) for a in arrays],
            "output": [y.reshape(-1).view(np.uint8) for y in outputs],
            "constant": [c.reshape(-1).view(np.uint8) for c in program.constants],
            "work": [work],
        }
        if program.status is not None:
            work[program.status : program.status + 4] = 0
        walk(slots, program.steps)
        if program.status is not None:
            status = work[program.status : program.status + 4].view(np.int32)[0]
            if status == ALARM:
                raise Alarm
            if status:
                raise IndexError("a position is out of bounds")
        return outputs

    return run


def poisoned(spec, byte):
    """An array whose bytes are all ``byte``."""
    array = np.empty(spec.shape, spec.dtype)
    array.reshape(-1).view(np.uint8)[:] = byte
    return array


def walk(slots, steps, counters=()):
    """Do the steps; ``counters`` are the rounds of the loops around them, the outermost first."""
    for step in steps:
        if isinstance(step, Loop):
            for i in range(step.count):
                walk(slots, step.steps, (*counters, i))
            continue
        step = with_refs(step, lambda ref: at_round(ref, counters))
        if isinstance(step, Call):
            interpret(
                step.kernel,
                [memory(slots, r, o.dtype) for r, o in zip(step.refs, step.kernel.operands, strict=True)],
            )
        else:
            assert isinstance(step, Gemm)
            multiply(slots, step)


def at_round(ref, counters):
    """Where a place has moved to."""
    assert len(ref.strides) <= len(counters)
    return ref._replace(offset=ref.offset + sum(i * s for i, s in zip(counters, ref.strides, strict=False)), strides=())


def memory(slots, ref, dtype):
    """A slot as one array of ``dtype``, and where in it ``ref`` is, in elements."""
    slot = slots[ref.slot][ref.index]
    assert ref.offset % dtype.itemsize == 0
    whole = slot[: slot.size // dtype.itemsize * dtype.itemsize]
    return whole.view(dtype), ref.offset // dtype.itemsize


def multiply(slots, step):
    """The products of a ``Gemm`` step."""

    def matrix(ref, rows, columns, ld, transposed, offset):
        array, start = memory(slots, ref, step.dtype)
        shape = (columns, rows) if transposed else (rows, columns)
        strides = (ld * step.dtype.itemsize, step.dtype.itemsize)
        found = np.lib.stride_tricks.as_strided(array[start + offset :], shape, strides)
        return found.T if transposed else found

    for i in range(step.count):
        a = matrix(step.a, step.m, step.k, step.lda, step.ta, i * step.steps[0])
        b = matrix(step.b, step.k, step.n, step.ldb, step.tb, i * step.steps[1])
        c = matrix(step.c, step.m, step.n, step.ldc, False, i * step.steps[2])
        c[...] = a @ b + (c if step.add else 0)
