"""Products of matrices as native calls: by BLAS, or by functions of our own where they are faster."""

from __future__ import annotations

import functools

from wengert.compiler.native import products
from wengert.compiler.native.blas import Blas, blas, call_ir
from wengert.compiler.native.engine import engine
from wengert.compiler.native.gemm import call_of_product, prefers_own
from wengert.compiler.native.kernels import Function, NativeCall, function_of
from wengert.compiler.program import Gemm, Ref

__all__ = ["call_of_gemm"]

_LETTERS = {"float32": "s", "float64": "d"}


def call_of_gemm(step: Gemm) -> NativeCall:
    """A batch of products."""
    registers = engine().target.vector_bytes
    if prefers_own(step.dtype, step.m, step.n, step.k, registers):
        return call_of_product(step, registers)
    library = blas()
    if library is None:
        raise RuntimeError("There is no BLAS for products of matrices; leave them to np.matmul where blas() is None.")
    letter = _LETTERS[step.dtype.name]
    if 1 in (step.m, step.n) and step.k:
        function, given = _with_vector(step, library, letter)
    else:
        function = _calling("gemm", library.convention, letter)
        given = (library.addresses[f"{letter}gemm"], step.ta, step.tb, step.m, step.n, step.k, step.a, step.lda,
                 step.b, step.ldb, step.add, step.c, step.ldc, *_in_bytes(step))  # fmt: skip
    time = step.count * (100.0 + step.m * step.n * step.k * step.dtype.itemsize / 100)
    return NativeCall(function, given, step.count, 0, time)


def _with_vector(step: Gemm, library: Blas, letter: str) -> tuple[Function, tuple[Ref | int, ...]]:
    """A product whose result is a row or a column: the other factor is a vector."""
    sa, sb, sc = _in_bytes(step)
    if step.m == 1:  # the transpose of: op(b).T times a column
        trans, rows, cols = (False, step.n, step.k) if step.tb else (True, step.k, step.n)
        matrix, vector, incy = (step.b, step.ldb, sb), (step.a, step.lda if step.ta else 1, sa), 1
    else:
        trans, rows, cols = (True, step.k, step.m) if step.ta else (False, step.m, step.k)
        matrix, vector, incy = (step.a, step.lda, sa), (step.b, 1 if step.tb else step.ldb, sb), step.ldc
    places = (*matrix[:2], *vector[:2], step.add, step.c, incy)
    steps = (matrix[2], vector[2], sc)
    if rows * cols <= products.SMALL and (incy == 1 if trans else vector[1] == 1):
        function = _small("columns" if trans else "dots", letter, min(64, 2 * engine().target.vector_bytes))
        return function, (*places, rows, cols, *steps)
    function = _calling("gemv", library.convention, letter)
    return function, (library.addresses[f"{letter}gemv"], trans, rows, cols, *places, *steps)


def _in_bytes(step: Gemm) -> tuple[int, int, int]:
    a, b, c = step.steps
    size = step.dtype.itemsize
    return a * size, b * size, c * size


@functools.cache
def _calling(product: str, convention: str, letter: str) -> Function:
    return function_of(call_ir(product, convention, letter), f"wg_{product}_{convention}_{letter}")


@functools.cache
def _small(kind: str, letter: str, vector_bytes: int) -> Function:
    return function_of(products.product_ir(kind, letter, vector_bytes), f"wg_{kind}_{letter}")
