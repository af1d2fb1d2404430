"""The functions of vectors, each compiled with a loop over arrays."""

import ctypes
import functools
import re

import llvmlite.binding as llvm
import numpy as np

from wengert.compiler import vecmath

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()

LOOP = """
define void @loop(ptr %y, {parameters}, i64 %n) {{
entry:
  br label %step
step:
  %i = phi i64 [ 0, %entry ], [ %next, %step ]
  {loads}
  %value = call {vector} @{symbol}({arguments})
  %to = getelementptr {element}, ptr %y, i64 %i
  store {vector} %value, ptr %to, align 4
  %next = add i64 %i, {width}
  %more = icmp ult i64 %next, %n
  br i1 %more, label %step, label %end
end:
  ret void
}}
"""


def loop_over(function, name, width):
    """IR of a loop that calls a function for all vectors of arrays."""
    vector, element = re.match(r"define (<\d+ x (\w+)>)", function.text).groups()
    arity = vecmath.ARITY[name]
    loads = [
        f"%p{k} = getelementptr {element}, ptr %x{k}, i64 %i\n  %v{k} = load {vector}, ptr %p{k}, align 4"
        for k in range(arity)
    ]
    return LOOP.format(
        parameters=", ".join(f"ptr %x{k}" for k in range(arity)), loads="\n  ".join(loads), vector=vector,
        symbol=function.symbol, arguments=", ".join(f"{vector} %v{k}" for k in range(arity)), element=element,
        width=width,
    )  # fmt: skip


@functools.cache
def compiled(name, dtype, width=8):
    """The function on arrays."""
    function = vecmath.function_ir(name, dtype, width)
    module = llvm.parse_assembly(vecmath.module_ir(dtype, width, [name]) + loop_over(function, name, width))
    module.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2, jit=True
    )
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    pointers = [ctypes.c_void_p] * (vecmath.ARITY[name] + 1)
    loop = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(engine.get_function_address("loop"))

    def call(*args, _engine=engine):
        args = [np.asarray(x, dtype) for x in np.broadcast_arrays(*args)]
        n = args[0].size
        padded = [np.ascontiguousarray(np.resize(x, n + -n % width)) for x in args]
        y = np.empty_like(padded[0])
        loop(y.ctypes.data, *[x.ctypes.data for x in padded], y.size)
        return y[:n].reshape(args[0].shape)

    return call
