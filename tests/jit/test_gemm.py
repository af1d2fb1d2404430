"""Products of matrices by the native function: against NumPy, at every size, and within the bounds of the matrices."""

import ctypes
import mmap
import os
from fractions import Fraction

import llvmlite.binding as llvm
import numpy as np
import pytest

from wengert.compiler.native.gemm import call_of_product, layout_of, prefers_own
from wengert.compiler.native.gemm_ir import product_ir, widest
from wengert.compiler.native.gemm_pack import pack_ir
from wengert.compiler.native.kernels import SCRATCH, Function, addresses_of
from wengert.compiler.native.table import link
from wengert.compiler.native.table import run as run_program
from wengert.compiler.program import ArraySpec, Gemm, Loop, Program, Ref

WIDTHS = (16, 32, 64)
DTYPES = (np.float32, np.float64)
FLAGS = [(ta, tb, add) for ta in (False, True) for tb in (False, True) for add in (False, True)]
TYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)

sizes = np.random.default_rng(1969).integers(1, 71, (40, 3)).tolist()
EDGES = [
    (1, 1, 1), (2, 1, 3), (1, 2, 1), (3, 4, 5), (4, 16, 8), (5, 17, 7), (8, 32, 9), (9, 33, 16), (7, 63, 31),
    (24, 64, 32), (25, 65, 33), (241, 3, 2), (245, 34, 5), (3, 5, 129), (5, 6, 300), (6, 129, 130), (33, 130, 257),
]  # fmt: skip


def run(step, vector_bytes, ranges=None):
    """Do a product, whose a, b and c are addresses, in one go or in ranges."""
    call = call_of_product(step, vector_bytes)
    functions = [x for x in call.arguments if isinstance(x, Function)]
    addresses = addresses_of([call.function, *functions])
    work = np.full(call.scratch + 128, 0xFF, np.uint8)
    start = work.ctypes.data + -work.ctypes.data % 64
    words = [
        addresses[x.name] if isinstance(x, Function) else start if x is SCRATCH else int(x) for x in call.arguments
    ]
    argv = (ctypes.c_int64 * len(words))(*words)
    function = TYPE(addresses[call.function.name])
    for begin, end in ranges or [(0, call.span)]:
        function(ctypes.addressof(argv), begin, end)
    assert (work[call.scratch + 64 :] == 0xFF).all()


def dense(dtype, m, n, k, ta=False, tb=False, add=False):
    """A product's description, without places, of matrices without gaps."""
    return Gemm(np.dtype(dtype), m, n, k, 0, 0, 0, m if ta else k, k if tb else n, n, ta, tb, add)


def stored(factor, transposed, gap):
    """A matrix, or its transpose, in memory: after each row a gap with NaN."""
    matrix = factor.T if transposed else factor
    memory = np.full((matrix.shape[0], matrix.shape[1] + gap), np.nan, matrix.dtype)
    memory[:, : matrix.shape[1]] = matrix
    return memory


def check(dtype, m, n, k, ta, tb, add, vector_bytes, gaps=(0, 0, 0), ranges=None):
    rng = np.random.default_rng([m, n, k])
    x, y, z = (rng.standard_normal(shape).astype(dtype) for shape in ((m, k), (k, n), (m, n)))
    a, b, c = stored(x, ta, gaps[0]), stored(y, tb, gaps[1]), stored(z, False, gaps[2])
    if not add:
        c[:, :n] = np.nan
    places = [array.ctypes.data for array in (a, b, c)]
    step = Gemm(np.dtype(dtype), m, n, k, *places, a.shape[1], b.shape[1], c.shape[1], ta, tb, add)
    run(step, vector_bytes, ranges)
    wide = [array.astype(np.longdouble) for array in (x, y, z)]
    exact = wide[0] @ wide[1] + add * wide[2]
    scale = np.abs(wide[0]) @ np.abs(wide[1]) + add * np.abs(wide[2])
    error = np.abs(c[:, :n] - exact) / scale
    assert error.max() <= (4 + np.sqrt(k)) * np.finfo(dtype).eps
    assert np.isnan(c[:, n:]).all()
    return c


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vector_bytes", WIDTHS)
@pytest.mark.parametrize(("ta", "tb", "add"), FLAGS)
def test_sizes(dtype, vector_bytes, ta, tb, add):
    for m, n, k in [*sizes, *EDGES]:
        check(dtype, m, n, k, ta, tb, add, vector_bytes)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vector_bytes", WIDTHS)
@pytest.mark.parametrize(("ta", "tb", "add"), FLAGS)
def test_rows_that_are_farther_apart_than_they_are_long(dtype, vector_bytes, ta, tb, add):
    for (m, n, k), gaps in zip(EDGES, [(3, 1, 2), (0, 5, 0), (7, 0, 1)] * 6, strict=False):
        check(dtype, m, n, k, ta, tb, add, vector_bytes, gaps)


@pytest.mark.parametrize("vector_bytes", WIDTHS)
@pytest.mark.parametrize(("m", "n"), [(40, 512), (100, 300), (100, 320)])
def test_rows_far_apart_in_memory(vector_bytes, m, n):
    """Rows of b that collide in caches are copied."""
    gap = 1024 - n
    assert layout_of(dense(np.float64, m, n, 150)._replace(ldb=1024), vector_bytes).pack == "copy"
    check(np.float64, m, n, 150, False, False, True, vector_bytes, (0, gap, 0))


@pytest.mark.parametrize("vector_bytes", WIDTHS)
@pytest.mark.parametrize("tb", [False, True])
def test_ranges_in_any_order(vector_bytes, tb):
    """A range that begins at a multiple of the chunk can run beside others: it has its own part of the workspace."""
    m, n, k = 300, 200, 260
    layout = layout_of(dense(np.float64, m, n, k, tb=tb), vector_bytes)
    assert 1 < -(-layout.extent // layout.chunk) <= 16
    starts = range(0, layout.extent, layout.chunk)
    ranges = [(begin, min(begin + layout.chunk, layout.extent)) for begin in reversed(starts)]
    whole = check(np.float64, m, n, k, False, tb, True, vector_bytes)
    parts = check(np.float64, m, n, k, False, tb, True, vector_bytes, ranges=ranges)
    assert (whole == parts).all()


def test_an_empty_range_does_nothing():
    a, c = np.ones((4, 4)), np.full((4, 4), 7.0)
    step = dense(np.float64, 4, 4, 4)._replace(a=a.ctypes.data, b=a.ctypes.data, c=c.ctypes.data)
    run(step, 32, [(0, 0)])
    assert (c == 7).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vector_bytes", WIDTHS)
@pytest.mark.parametrize(("ta", "tb", "add"), FLAGS)
def test_batches(dtype, vector_bytes, ta, tb, add):
    """Each matrix of a batch has its step; a step of 0 means the same matrix for all."""
    m, n, k, count = 11, 37, 6, 5
    rng = np.random.default_rng(7)
    a = rng.standard_normal((count, *((k, m) if ta else (m, k)))).astype(dtype)
    b = rng.standard_normal((n, k) if tb else (k, n)).astype(dtype)
    c = rng.standard_normal((count, m, n)).astype(dtype)
    expected = (a.mT if ta else a) @ (b.T if tb else b) + add * c
    step = dense(dtype, m, n, k, ta, tb, add)._replace(
        a=a.ctypes.data, b=b.ctypes.data, c=c.ctypes.data, count=count, steps=(m * k, 0, m * n)
    )
    run(step, vector_bytes)
    np.testing.assert_allclose(c, expected, rtol=0, atol=30 * np.finfo(dtype).eps)


class Fenced:
    """Memory of a few pages in which an array ends, or begins, where pages that can't be accessed do."""

    def __init__(self, size):
        page = mmap.PAGESIZE
        self.pages = -(-size // page) + 2
        self.memory = mmap.mmap(-1, self.pages * page)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.size = size
        self._protect(0)
        self._protect(self.pages - 1)

    def _protect(self, page):
        libc = ctypes.CDLL(None)
        address = ctypes.c_void_p(self.address + page * mmap.PAGESIZE)
        assert libc.mprotect(address, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0

    def array(self, shape, dtype, at_end):
        start = (self.pages - 1) * mmap.PAGESIZE - self.size if at_end else mmap.PAGESIZE
        count = self.size // np.dtype(dtype).itemsize
        return np.frombuffer(self.memory, dtype, count, start).reshape(shape)


@pytest.mark.skipif(os.name != "posix", reason="memory is protected by POSIX's mprotect")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vector_bytes", WIDTHS)
@pytest.mark.parametrize("at_end", [False, True])
def test_nothing_outside_of_the_matrices_is_accessed(dtype, vector_bytes, at_end):
    for m, n, k in [(1, 1, 1), (2, 3, 2), (3, 5, 7), (9, 18, 5), (13, 70, 11), (31, 33, 20), (10, 47, 150)]:
        shapes = {False: ((m, k), (k, n), (m, n)), True: ((k, m), (n, k), (m, n))}
        for ta, tb, add in FLAGS:
            chosen = (shapes[ta][0], shapes[tb][1], (m, n))
            fenced = [Fenced(int(np.prod(shape)) * np.dtype(dtype).itemsize) for shape in chosen]
            a, b, c = (f.array(shape, dtype, at_end) for f, shape in zip(fenced, chosen, strict=True))
            a[...], b[...], c[...] = 2, 3, 1
            places = {name: array.ctypes.data for name, array in zip("abc", (a, b, c), strict=True)}
            run(dense(dtype, m, n, k, ta, tb, add)._replace(**places), vector_bytes)
            assert (c == 6 * k + add).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vector_bytes", WIDTHS)
@pytest.mark.parametrize(("ta", "tb", "add"), FLAGS)
def test_special_numbers_go_where_a_plain_sum_takes_them(dtype, vector_bytes, ta, tb, add):
    m, n, k = 9, 21, 13
    rng = np.random.default_rng(3)
    x, y = (rng.integers(-3, 4, shape).astype(dtype) for shape in ((m, k), (k, n)))
    x[0, 2], x[3, 5], x[7, :], x[8, :] = np.nan, np.inf, -0.0, 1.0
    y[4, 1], y[6, 20], y[:, 5] = -np.inf, np.nan, -0.0
    c = rng.integers(-3, 4, (m, n)).astype(dtype)
    c[2, 2], c[1, 20] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        expected = (x[:, :, None] * y[None]).sum(axis=1, dtype=dtype, initial=0.0)
        expected = expected + c if add else expected
    a, b = np.ascontiguousarray(x.T if ta else x), np.ascontiguousarray(y.T if tb else y)
    step = dense(dtype, m, n, k, ta, tb, add)
    run(step._replace(a=a.ctypes.data, b=b.ctypes.data, c=c.ctypes.data), vector_bytes)
    np.testing.assert_array_equal(c, expected)
    finite = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(c)[finite], np.signbit(expected)[finite])


@pytest.mark.parametrize("vector_bytes", WIDTHS)
def test_long_sums_are_as_accurate_as_sums_of_blocks(vector_bytes):
    k = 4000
    rng = np.random.default_rng(11)
    a, b = rng.standard_normal((3, k)).astype(np.float32), rng.standard_normal((k, 5)).astype(np.float32)
    c = np.empty((3, 5), np.float32)
    run(
        dense(np.float32, 3, 5, k)._replace(a=a.ctypes.data, b=b.ctypes.data, c=c.ctypes.data),
        vector_bytes,
    )
    exact = sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a[1], b[:, 2], strict=True))
    bound = float(np.abs(a[1]) @ np.abs(b[:, 2]))
    assert abs(float(c[1, 2]) - float(exact)) <= 20 * np.finfo(np.float32).eps * bound


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vector_bytes", WIDTHS)
def test_the_functions_are_valid(dtype, vector_bytes):
    dtype = np.dtype(dtype)
    packs = [pack_ir(kind, "f", dtype, vector_bytes, widest(vector_bytes)) for kind in ("copy", "transpose")]
    for written in (product_ir("f", dtype, vector_bytes), *packs):
        module = llvm.parse_assembly("\n".join([*written.declarations, written.text]), llvm.create_context())
        module.verify()
        assert [f.name for f in module.functions if not f.is_declaration] == ["f"]


def test_in_a_loop_of_a_program():
    """Places move from round to round; scratch memory lies behind the program's own."""
    rounds, m, n, k = 4, 18, 35, 10
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((rounds, m, k)), rng.standard_normal((rounds, n, k))
    places = Ref("input", 0, 0, (8 * m * k,)), Ref("input", 1, 0, (8 * n * k,)), Ref("work", 0, 8)
    product = dense(np.float64, m, n, k, tb=True)._replace(a=places[0], b=places[1], c=places[2])
    total = dense(np.float64, m, n, m, add=True)._replace(a=Ref("constant", 0), b=Ref("work", 0, 8), c=Ref("output", 0))
    first = total._replace(add=False, a=Ref("constant", 1))
    specs = tuple([ArraySpec(x.shape, x.dtype) for x in (a, b)])
    constants = (np.eye(m), np.zeros((m, m)))
    start = product._replace(a=Ref("input", 0), b=Ref("input", 1))
    steps = (start, first, Loop(rounds, (product, total)))
    program = Program(specs, (ArraySpec((m, n), np.dtype(np.float64)),), constants, 8 + 8 * m * n, steps)
    np.testing.assert_allclose(run_program(program, [a, b])[0], (a @ b.mT).sum(0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("tb", [False, True])
def test_threads_share_a_large_product(tb):
    m, n, k = 500, 260, 300
    step = dense(np.float64, m, n, k, tb=tb)._replace(a=Ref("input", 0), b=Ref("input", 1), c=Ref("output", 0))
    rng = np.random.default_rng(8)
    a, b = rng.standard_normal((m, k)), rng.standard_normal((n, k) if tb else (k, n))
    specs = tuple([ArraySpec(x.shape, x.dtype) for x in (a, b)])
    linked = link(Program(specs, (ArraySpec((m, n), a.dtype),), (), 0, (step,)))
    expected = a @ (b.T if tb else b)
    first = linked([a, b])[0]
    np.testing.assert_allclose(first, expected, rtol=0, atol=1e-11)
    for _ in range(20):
        assert (linked([a, b])[0] == first).all()


def test_which_products_are_preferred():
    number = np.dtype(np.float64)
    assert prefers_own(number, 2, 2, 1, 32)
    assert not prefers_own(number, 2, 2, 0, 32)
    assert not prefers_own(number, 1, 5, 5, 64)
    assert not prefers_own(number, 5, 1, 5, 64)
    assert not prefers_own(number, 5, 5, 5, 16)
    assert not prefers_own(number, 3000, 3000, 3000, 64)
    assert not prefers_own(np.dtype(np.complex128), 5, 5, 5, 64)
