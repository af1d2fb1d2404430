"""Kernels as LLVM IR: text of one function each, with explicit vectors, that needs no optimisation passes."""

from wengert.jit.emit.analysis import grain, parallelism
from wengert.jit.emit.kernels import KernelCode, emit
from wengert.jit.emit.mathematics import VectorFunction

__all__ = ["KernelCode", "VectorFunction", "emit", "grain", "parallelism"]
