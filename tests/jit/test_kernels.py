"""Code emitted for kernels does what the interpreter does: loops, reductions, stages, ranges."""

import math

import numpy as np
import pytest

from tests.jit.kernel_runs import Compiled, check, dense, elementwise, normalised, total
from tests.jit.random_kernels import Draw, values
from wengert.compiler.emit import emit, grain, parallelism
from wengert.compiler.interpret import interpret
from wengert.compiler.kernel import Instruction, Kernel, Operand, Stage

F4, F8, I4, I8, BOOL = (np.dtype(name) for name in ("float32", "float64", "int32", "int64", "bool"))
FLOATS = [F4, F8]
I = Instruction  # noqa: E741


def lengths(dtype: np.dtype) -> list[int]:
    """From none to two vectors and one more; of the longest vectors, those around whole halves."""
    width = 64 // dtype.itemsize
    return [n for n in range(2 * width + 2) if width < 32 or n % (width // 8) in (0, 1, width // 8 - 1)]


@pytest.mark.parametrize("dtype", [F4, F8, np.dtype(np.int8), np.dtype(np.uint16), BOOL], ids=str)
def test_remainders_of_every_length(dtype):
    rng = np.random.default_rng(0)
    fn = "xor" if dtype == BOOL else "add"
    for n in lengths(dtype):
        a, b = values(rng, dtype, n), values(rng, dtype, n)
        check(elementwise([(fn, (0, 1), dtype)], [dtype, dtype], n), dense(a, b, np.zeros(n + 3, dtype)))


@pytest.mark.parametrize("kind", ["sum", "prod", "max", "min", "any", "all"])
@pytest.mark.parametrize("dtype", [F4, F8, I4, np.dtype(np.uint8), BOOL], ids=str)
def test_reductions_of_every_length(kind, dtype):
    if (dtype == BOOL) != (kind in ("any", "all")):
        return
    rng = np.random.default_rng(0)
    stages = (
        Stage((), (I("load", (), dtype, (0,)), I("reduce", (0,), dtype, kind))),
        Stage((I("store", (1,), dtype, (1,)),), ()),
    )
    for n in [*lengths(dtype), 300, 4096, 9001]:
        kernel = Kernel((), n, (Operand(dtype, (), 1), Operand(dtype, (), 0, "write")), stages)
        data = np.abs(values(rng, dtype, n)) if dtype != BOOL else values(rng, dtype, n)
        if kind == "prod":
            data = np.where(rng.random(n) < 0.9, dtype.type(1), dtype.type(2))
        check(kernel, dense(data, np.zeros(1, dtype)))


@pytest.mark.parametrize("lanes", ["inner", "rows"])
@pytest.mark.parametrize("place", [0, 1, 30, 69, 95])
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["sum", "max", "min"])
def test_special_values_in_reductions(kind, special, place, lanes):
    x = np.linspace(-1, 1, 96)
    x[place] = special
    stages = (
        Stage((), (I("load", (), F8, (0,)), I("reduce", (0,), F8, kind))),
        Stage((I("store", (1,), F8, (1,)),), ()),
    )
    for rows, inner in ((1, 96), (96, 1), (8, 12)):
        for row_step in (0, 1):
            use = "write" if row_step else kind
            operands = (Operand(F8, (inner,), 1), Operand(F8, (row_step,), 0, use))
            out = np.zeros(rows if row_step else 1)
            check(Kernel((rows,), inner, operands, stages, lanes), dense(x, out))


def test_special_values_in_long_sums():
    for special in (np.nan, np.inf, -np.inf, 1e308):
        for dtype in FLOATS:
            x = np.ones(50_000, dtype)
            with np.errstate(over="ignore"):
                x[[700, 20_000, 49_999]] = special
            out = np.zeros(1, dtype)
            Compiled(total(x.size, dtype))(dense(x, out))
            with np.errstate(over="ignore"):
                np.testing.assert_allclose(out[0], x.sum(), rtol=1e-6)


def test_long_sums_keep_their_digits():
    rng = np.random.default_rng(0)
    x, wide = rng.random(10**7, np.float32), rng.random(10**6)
    exact, wide_exact = x.sum(dtype=np.float64), math.fsum(wide.tolist())
    for rows in (None, 1000, 10**5, 10**6):
        out, wide_out = np.zeros(1, np.float32), np.zeros(1)
        Compiled(total(x.size, F4, rows))(dense(x, out))
        Compiled(total(wide.size, F8, rows))(dense(wide, wide_out))
        assert abs(out[0] - exact) <= 6e-8 * exact
        assert abs(wide_out[0] - wide_exact) <= 2.3e-16 * wide_exact


@pytest.mark.parametrize("scratch", [False, True])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_stages(dtype, scratch):
    rng = np.random.default_rng(0)
    for rows, inner in ((1, 1), (3, 5), (5, 33), (2, 64), (4, 1000), (0, 7), (3, 0)):
        x = rng.normal(size=rows * inner).astype(dtype)
        kernel = normalised(rows, inner, dtype, scratch=scratch)
        check(kernel, dense(x, np.zeros(max(rows, 1) * inner, dtype), np.zeros(rows * inner, dtype)))


def test_lanes_along_rows():
    rng = np.random.default_rng(0)
    for rows, inner in ((1, 5), (7, 3), (8, 4), (19, 2), (40, 1), (33, 150)):
        x = rng.normal(size=rows * inner)
        check(normalised(rows, inner, F8, "rows"), dense(x, np.zeros_like(x), np.zeros_like(x)))


@pytest.mark.parametrize("lanes", ["inner", "rows"])
@pytest.mark.parametrize("use", ["sum", "prod", "max", "min"])
def test_accumulation_across_rows(use, lanes):
    """Into a number, into a number a row of an outer axis, into an element each."""
    rng = np.random.default_rng(0)
    for rows in ((5, 3), (2, 40), (1, 1), (30, 2)):
        for steps, inner in (((0, 0), 0), ((1, 0), 0), ((0, 1), 0), ((0, 0), 1), ((20, 0), 1), ((-1, 0), 0)):
            x = rng.integers(1, 3, rows[0] * rows[1] * 20).astype(np.float64)
            out = np.ones(20 * 45)
            operands = (Operand(F8, (rows[1] * 20, 20), 1), Operand(F8, steps, inner, use))
            body = (I("load", (), F8, (0,)), I("store", (0,), F8, (1,)))
            check(Kernel(rows, 20, operands, (Stage((), body),), lanes), [(x, 0), (out, 40)])
            if not inner:
                stages = (
                    Stage((), (I("load", (), F8, (0,)), I("reduce", (0,), F8, "max"))),
                    Stage((I("store", (1,), F8, (1,)),), ()),
                )
                check(Kernel(rows, 20, operands, stages, lanes), [(x, 0), (out, 40)])


@pytest.mark.parametrize("rows", [(131,), (2, 66), (1, 70)])
def test_many_rows_added_to_the_same_elements(rows):
    rng = np.random.default_rng(0)
    inner = 301
    outer = len(rows) == 2
    x = rng.integers(-4, 5, math.prod(rows) * inner).astype(np.float32)
    steps = (rows[1] * inner, inner) if outer else (inner,)
    body = (
        I("load", (), F4, (0,)), I("load", (), F4, (1,)), I("add", (1, 0), F4), I("store", (2,), F4, (2,)),
        I("store", (2,), F4, (3,)), I("add", (0, 1), F4), I("store", (5,), F4, (4,)),
    )  # fmt: skip
    same = Operand(F4, (inner, 0) if outer else (0,), 1)
    operands = (
        Operand(F4, (1, 1) if outer else (1,), 0), Operand(F4, steps, 1), same._replace(use="sum"),
        same._replace(use="max", inner=-1), Operand(F4, steps, 1, "write"),
    )  # fmt: skip
    out = np.zeros(2 * inner, np.float32)
    memory = [(np.arange(200, dtype=np.float32), 0), (x, 0), (out, 0), (out.copy(), inner - 1), (np.zeros_like(x), 0)]
    kernel = Kernel(rows, inner, operands, (Stage((), body),))
    check(kernel, memory)
    check(kernel, memory, splits=() if outer else (0, 3, 50, 131))


def test_ranges_of_rows():
    x = np.random.default_rng(0).normal(size=11 * 50)
    kernel = normalised(11, 50, F8)
    check(kernel, dense(x, np.zeros_like(x), np.zeros_like(x)), splits=(1, 4, 4, 10))
    assert (parallelism(kernel), grain(kernel, 32)) == (11, 1)


def test_ranges_of_elements():
    kernel = elementwise([("add", (0, 0), F8)], [F8], 45)
    assert (parallelism(kernel), grain(kernel, 32)) == (45, 8)
    check(kernel, dense(np.arange(45.0), np.zeros(45)), splits=(8, 8, 32, 40))


def test_ranges_of_lanes():
    x = np.random.default_rng(0).normal(size=45 * 4)
    kernel = normalised(45, 4, F8, "rows")
    assert (parallelism(kernel), grain(kernel, 32)) == (45, 8)
    check(kernel, dense(x, np.zeros_like(x), np.zeros_like(x)), splits=(16, 24))


def test_ranges_add_to_totals():
    x = np.arange(60.0)
    check(total(60, F8, 12), dense(x, np.zeros(1)), splits=(5, 7))


def test_what_may_run_at_the_same_time():
    assert parallelism(total(60, F8)) is None  # a reduction of one row
    assert parallelism(total(60, F8, 12)) is None  # all add to one number
    assert parallelism(normalised(5, 7, F8, scratch=True)) is None
    assert parallelism(normalised(5, 7, F8, scratch=True), own_scratch=True) == 5
    body = Stage((), (I("load", (), F8, (0,)), I("store", (0,), F8, (1,))))

    def writing(rows: tuple[int, ...], use: str) -> Kernel:
        return Kernel((4, 3), 5, (Operand(F8, (15, 5), 1), Operand(F8, rows, 1, use)), (body,))

    assert parallelism(writing((15, 5), "write")) == 4
    assert parallelism(writing((5, 20), "write")) == 4
    assert parallelism(writing((5, 0), "sum")) == 4
    assert parallelism(writing((0, 5), "sum")) is None
    assert parallelism(writing((1, 5), "sum")) is None  # windows that overlap


@pytest.mark.parametrize("vector_bytes", [16, 64])
def test_other_registers(vector_bytes):
    x = np.random.default_rng(0).normal(size=5 * 333).astype(np.float32)
    check(normalised(5, 333, F4), dense(x, np.zeros_like(x), np.zeros_like(x)), vector_bytes=vector_bytes)
    check(total(9000, F8), dense(np.random.default_rng(0).random(9000), np.zeros(1)), vector_bytes=vector_bytes)


@pytest.mark.parametrize("seed", range(120))
def test_random_kernels(seed):
    draw = Draw(seed)
    kernel = draw.kernel()
    span = kernel.rows[0] if kernel.rows else kernel.inner
    meets = [] if not kernel.rows and parallelism(kernel) is None else range(0, span, grain(kernel, 32))
    check(kernel, draw.memories, splits=sorted(draw.rng.choice(meets, min(3, len(meets)))))


def test_equal_kernels_have_equal_text():
    first, second = Draw(3).kernel(), Draw(3).kernel()
    assert emit(first, "k", 32) == emit(second, "k", 32)


def test_mistakes_are_named():
    half = np.dtype(np.float16)
    with pytest.raises(ValueError, match="float16"):
        emit(elementwise([("add", (0, 0), half)], [half], 3), "k", 32)
    with pytest.raises(ValueError, match="no function 'frobnicate'"):
        emit(elementwise([("frobnicate", (0,), F8)], [F8], 3), "k", 32)
    late = Kernel((), 3, (), (Stage((I("neg", (1,), F8), I("constant", (), F8, 1.0)), ()),))
    with pytest.raises(ValueError, match=r"instruction 0.*comes later"):
        emit(late, "k", 32)


def test_the_interpreter_stays_in_its_memory():
    kernel = elementwise([("neg", (0,), F8)], [F8], 5)
    with pytest.raises(IndexError, match="Operand 0"):
        interpret(kernel, dense(np.zeros(4), np.zeros(5)))
    with pytest.raises(ValueError, match="2 operands"):
        interpret(kernel, dense(np.zeros(5)))
    with pytest.raises(ValueError, match="Operand 1"):
        interpret(kernel, dense(np.zeros(5), np.zeros(5, np.float32)))
