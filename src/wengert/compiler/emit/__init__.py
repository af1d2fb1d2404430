"""Kernels as LLVM IR: text of one function each, with explicit vectors, that needs no optimisation passes."""

from wengert.compiler.emit.analysis import grain, parallelism
from wengert.compiler.emit.kernels import KernelCode, emit
from wengert.compiler.emit.mathematics import VectorFunction

__all__ = ["KernelCode", "VectorFunction", "emit", "grain", "parallelism"]
