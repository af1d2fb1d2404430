"""Products of matrices by the function of ``gemm_ir.py``: when it is used, and what it is called with.

It is compiled once, for all sizes. BLAS libraries copy both factors before they multiply, which pays for large ones;
this one copies as little as it can, for products of moderate size.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from wengert.compiler.native.gemm_ir import ROWS, product_ir, widest
from wengert.compiler.native.gemm_pack import pack_ir
from wengert.compiler.native.kernels import SCRATCH, Function, NativeCall, function_of
from wengert.compiler.program import Gemm

__all__ = ["Layout", "call_of_product", "layout_of", "nanoseconds", "prefers_own"]

_LARGEST = 2**31
"""Products of matrices beyond so many multiplications are left to BLAS."""
_GROUP = 30 * ROWS
_BLOCK = 128
_LEAST = 20_000
"""Nanoseconds from which sharing among threads pays; ``_CHUNK``: what a thread takes at a time, at least."""
_CHUNK = 8_000
_PARTS = 16
"""Chunks are at most so many."""


class Layout(NamedTuple):
    """How a product is cut up. ``pack`` is how b is copied: ``"copy"``, ``"transpose"``, or not at all (``""``).

    ``strips`` and ``groups`` are how many there are in a matrix; along k, there are ``blocks`` of length ``block``.
    ``extent`` is how far the function's range goes. Chunks of ``chunk`` units may run at the same time; each has
    ``scratch`` bytes of the workspace to itself.
    """

    pack: str
    strips: int
    groups: int
    block: int
    blocks: int
    extent: int
    chunk: int
    scratch: int

    @property
    def workspace(self) -> int:
        """How many bytes all chunks need."""
        return -(-self.extent // self.chunk) * self.scratch


def prefers_own(dtype: np.dtype[Any], m: int, n: int, k: int, vector_bytes: int) -> bool:
    """Whether the function here is at least as fast as BLAS: for matrices that are neither vectors nor very large.

    With registers of 16 bytes it isn't.

    >>> prefers_own(np.dtype(np.float64), 32, 32, 16, 64), prefers_own(np.dtype(np.float64), 1, 32, 16, 64)
    (True, False)
    """
    return vector_bytes > 16 and dtype.name in ("float32", "float64") and min(m, n) > 1 and 0 < m * n * k <= _LARGEST


def nanoseconds(step: Gemm, vector_bytes: int) -> float:
    """A product's running time on one processor, roughly."""
    return step.count * (50.0 + step.m * step.n * step.k * step.dtype.itemsize / (8 * vector_bytes))


def layout_of(step: Gemm, vector_bytes: int) -> Layout:
    """How a product is cut up: the results don't depend on the chunks.

    >>> from wengert.compiler.program import Ref
    >>> ref = Ref("work", 0)
    >>> layout_of(Gemm(np.dtype(np.float64), 128, 300, 784, ref, ref, ref, 784, 300, 300), 64)
    Layout(pack='', strips=10, groups=1, block=112, blocks=7, extent=10, chunk=1, scratch=0)
    """
    size = step.dtype.itemsize
    wide = widest(vector_bytes) * vector_bytes
    strips, groups = -(-step.n * size // wide), -(-step.m // _GROUP)
    blocks = -(-step.k // _BLOCK)
    block = -(-step.k // blocks)
    pack = _pack(step, vector_bytes)
    extent = strips * groups * step.count
    time = nanoseconds(step, vector_bytes)
    parts = max(1, min(extent, _PARTS, int(time / _CHUNK))) if time > _LEAST else 1
    scratch = -(-block // 8) * 8 * wide if pack else 0
    return Layout(pack, strips, groups, block, -(-step.k // block), extent, -(-extent // parts), scratch)


def _pack(step: Gemm, vector_bytes: int) -> str:
    """Whether b is copied.

    It is if its columns aren't contiguous, if the last vectors are partial and there are no masks, or if its rows get
    into each other's way in the caches, which they do at distances of powers of two, and are read often.
    """
    if step.tb:
        return "transpose"
    stride = step.ldb * step.dtype.itemsize
    if vector_bytes < 64 and step.n * step.dtype.itemsize % vector_bytes:
        return "copy"
    collide = stride % 4096 == 0 if step.m < 64 else stride >= 1024 and stride % 512 == 0
    return "copy" if step.m >= 32 and collide else ""


def call_of_product(step: Gemm, vector_bytes: int) -> NativeCall:
    """The call that computes a product."""
    layout = layout_of(step, vector_bytes)
    size = step.dtype.itemsize
    am, ak = (size, step.lda * size) if step.ta else (step.lda * size, size)
    bk, bn = (size, step.ldb * size) if step.tb else (step.ldb * size, size)
    pack = _function(layout.pack, step.dtype, vector_bytes) if layout.pack else 0
    arguments = (
        step.a, step.b, step.c, SCRATCH, step.m, step.n, step.k, am, ak, bk, bn, step.ldc * size, int(step.add), pack,
        layout.strips, layout.strips * layout.groups, _GROUP, layout.block, layout.blocks, layout.chunk, layout.scratch,
        *(x * size for x in step.steps),
    )  # fmt: skip
    function = _function("product", step.dtype, vector_bytes)
    chunk = layout.chunk if layout.chunk < layout.extent else 0
    time = nanoseconds(step, vector_bytes)
    return NativeCall(function, arguments, layout.extent, chunk, time, layout.workspace)


@functools.cache
def _function(kind: str, dtype: np.dtype[Any], vector_bytes: int) -> Function:
    """``"product"``, ``"copy"``, or ``"transpose"``."""
    name = f"wg_{kind}"
    if kind == "product":
        written = product_ir(name, dtype, vector_bytes)
    else:
        written = pack_ir(kind, name, dtype, vector_bytes, widest(vector_bytes))
    return function_of(written.text, name, written.declarations)._replace(alone=True)
