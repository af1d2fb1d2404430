"""Kernels compiled by themselves, run, and compared with the interpreter."""

from __future__ import annotations

import ctypes
import functools
import itertools
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from wengert.compiler import vecmath
from wengert.compiler.emit import VectorFunction, emit
from wengert.compiler.interpret import interpret
from wengert.compiler.kernel import Instruction, Kernel, Operand, Stage

VECTOR_BYTES = 32

Memory = tuple[np.ndarray, int]


def machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=2, reloc="pic", codemodel="jitdefault", jit=True
    )


def _engine(text: str) -> Any:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text, llvm.create_context()), machine())
    engine.finalize_object()
    return engine


@functools.cache
def _link(function: VectorFunction) -> Any:
    """Make a vector function known to what is compiled later; what keeps it alive."""
    engine = _engine(vecmath.module_ir(function.dtype, function.width, [function.fn]))
    llvm.add_symbol(function.symbol, engine.get_function_address(function.symbol))
    return engine


class Compiled:
    """A kernel as a function of memories, of all or a part of the parallel axis."""

    def __init__(self, kernel: Kernel, vector_bytes: int = VECTOR_BYTES) -> None:
        self.kernel = kernel
        self.code = emit(kernel, "kernel", vector_bytes)
        for function in self.code.vecmath:
            _link(function)
        self.engine = _engine("\n".join([*self.code.declarations, self.code.text]))
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self.function = kind(self.engine.get_function_address("kernel"))

    def __call__(self, memories: Sequence[Memory], begin: int = 0, end: int | None = None) -> None:
        pointers = [array.ctypes.data + offset * array.itemsize for array, offset in memories]
        argv = (ctypes.c_int64 * max(len(pointers), 1))(*pointers)
        span = self.kernel.rows[0] if self.kernel.rows else self.kernel.inner
        self.function(ctypes.addressof(argv), begin, span if end is None else end)


def tolerance(dtype: np.dtype) -> dict[str, float]:
    return {"rtol": 2e-5, "atol": 1e-5} if dtype.itemsize == 4 else {"rtol": 1e-12, "atol": 1e-13}


def check(
    kernel: Kernel, memories: Sequence[Memory], splits: Sequence[int] = (), vector_bytes: int = VECTOR_BYTES
) -> Compiled:
    """Assert that compiled code and the interpreter leave the same in memory; ``splits`` are where ranges meet."""
    expected = [(array.copy(), offset) for array, offset in memories]
    found = [(array.copy(), offset) for array, offset in memories]
    interpret(kernel, expected)
    compiled = Compiled(kernel, vector_bytes)
    span = kernel.rows[0] if kernel.rows else kernel.inner
    for begin, end in itertools.pairwise([0, *splits, span]):
        compiled(found, begin, end)
    for k, operand in enumerate(kernel.operands):
        if operand.use == "scratch":
            continue
        actual, desired = found[k][0], expected[k][0]
        if operand.dtype.kind == "f":
            np.testing.assert_allclose(actual, desired, **tolerance(operand.dtype), err_msg=f"operand {k} of {kernel}")
        else:
            np.testing.assert_array_equal(actual, desired, err_msg=f"operand {k} of {kernel}")
    return compiled


def elementwise(
    instructions: Sequence[tuple[str, tuple[int, ...], Any]], inputs: Sequence[Any], n: int, **kernel: Any
) -> Kernel:
    """A kernel of one body: loads of dense inputs, then ``instructions``; the last one's value is stored."""
    dtypes = [np.dtype(dtype) for dtype in inputs]
    body = [Instruction("load", (), dtype, (k,)) for k, dtype in enumerate(dtypes)]
    body += [Instruction(fn, args, np.dtype(dtype)) for fn, args, dtype in instructions]
    last = body[-1].dtype
    body.append(Instruction("store", (len(body) - 1,), last, (len(dtypes),)))
    operands = [Operand(dtype, (), 1) for dtype in dtypes] + [Operand(last, (), 1, "write")]
    return Kernel((), n, tuple(operands), (Stage((), tuple(body)),), **kernel)


def dense(*arrays: np.ndarray) -> list[tuple[np.ndarray, int]]:
    return [(array, 0) for array in arrays]


def total(n: int, dtype: np.dtype, rows: int | None = None) -> Kernel:
    """A sum, of one row, or of a row at a time."""
    stages = (
        Stage((), (Instruction("load", (), dtype, (0,)), Instruction("reduce", (0,), dtype, "sum"))),
        Stage((Instruction("store", (1,), dtype, (1,)),), ()),
    )
    if rows is None:
        return Kernel((), n, (Operand(dtype, (), 1), Operand(dtype, (), 0, "write")), stages)
    return Kernel((rows,), n // rows, (Operand(dtype, (n // rows,), 1), Operand(dtype, (0,), 0, "sum")), stages)


def normalised(rows: int, inner: int, dtype: np.dtype, lanes: str = "inner", scratch: bool = False) -> Kernel:
    """A softmax: three stages, one of which reads what another has stored."""
    held = Operand(dtype, (0,), 1, "scratch") if scratch else Operand(dtype, (inner,), 1, "write")
    largest = (Instruction("load", (), dtype, (0,)), Instruction("reduce", (0,), dtype, "max"))
    powers = (
        Instruction("load", (), dtype, (0,)),
        Instruction("sub", (2, 1), dtype),
        Instruction("exp", (3,), dtype),
        Instruction("store", (4,), dtype, (1,)),
        Instruction("reduce", (4,), dtype, "sum"),
    )
    factor = (Instruction("constant", (), dtype, 1.0), Instruction("div", (7, 6), dtype))
    scaled = (
        Instruction("load", (), dtype, (1,)),
        Instruction("mul", (9, 8), dtype),
        Instruction("store", (10,), dtype, (2 if scratch else 1,)),
    )
    operands = (Operand(dtype, (inner,), 1), held, Operand(dtype, (inner,), 1, "write"))
    return Kernel((rows,), inner, operands, (Stage((), largest), Stage((), powers), Stage(factor, scaled)), lanes)
