"""Memory in any arrangement, and positions that are data, in emitted code."""

import numpy as np
import pytest

from tests.jit.kernel_runs import Compiled, check, dense
from tests.jit.random_kernels import values
from wengert.compiler.kernel import Instruction, Kernel, Operand, Stage

F4, F8, I4, I8, BOOL = (np.dtype(name) for name in ("float32", "float64", "int32", "int64", "bool"))
I = Instruction  # noqa: E741


@pytest.mark.parametrize("lanes", ["inner", "rows"])
@pytest.mark.parametrize("step", [0, 1, -1, 2, -2, -3, 4, 5])
@pytest.mark.parametrize("dtype", [F4, F8, np.dtype(np.int16), BOOL], ids=str)
def test_steps(step, dtype, lanes):
    """The operands' steps along the inner axis, then the same along the rows."""
    rng = np.random.default_rng(0)
    for rows, inner in ((3, 21), (21, 3), (1, 16), (16, 1), (2, 35)):
        for turned in (False, True):
            other = abs(step) * (rows if turned else inner) + 1
            steps = (step, other) if turned else (other, step)
            size = 1 + abs(steps[0]) * (rows - 1) + abs(steps[1]) * (inner - 1)
            start = 2 + sum(-s * (n - 1) for s, n in zip(steps, (rows, inner), strict=True) if s < 0)
            read = Operand(dtype, (steps[0],), steps[1])
            write = Operand(dtype, (inner,), 1, "write")
            stage = Stage((), (I("load", (), dtype, (0,)), I("store", (0,), dtype, (1,))))
            source, out = values(rng, dtype, size + 4), np.zeros(rows * inner, dtype)
            check(Kernel((rows,), inner, (read, write), (stage,), lanes), [(source, start), (out, 0)])
            if step:
                back = (write._replace(use="read"), read._replace(use="write"))
                check(Kernel((rows,), inner, back, (stage,), lanes), [(out, 0), (source, start)])


def test_indices():
    rows, inner = (3, 11), 21
    body = (
        I("index", (), I8, 0), I("index", (), I8, 1), I("index", (), I8, -1),
        I("mul", (0, 1), I8), I("add", (3, 2), I8), I("store", (4,), I8, (0,)),
    )  # fmt: skip
    operands = (Operand(I8, (inner * 11, inner), 1, "write"),)
    for lanes in ("inner", "rows"):
        check(Kernel(rows, inner, operands, (Stage((), body),), lanes), dense(np.zeros(3 * 11 * inner, np.int64)))


@pytest.mark.parametrize("lanes", ["inner", "rows"])
@pytest.mark.parametrize("outside", [False, True])
def test_gather_at_positions_of_elements(outside, lanes):
    rng = np.random.default_rng(0)
    for rows, inner in ((1, 5), (4, 19), (20, 3)):
        low, high = (-9, 9) if outside else (-7, 7)
        a, b = rng.integers(low, high, rows * inner), rng.integers(-3, 3, rows * inner)
        table = rng.normal(size=21)
        body = (
            I("load", (), I8, (0,)), I("load", (), I8, (1,)), I("gather", (0, 1), F8, (2, 3, (3, 1), (7, 3))),
            I("store", (2,), F8, (4,)),
        )  # fmt: skip
        positions = Operand(I8, (inner,), 1)
        operands = (
            positions,
            positions,
            Operand(F8, (0,), 0),
            Operand(I4, (0,), 0, "write"),
            Operand(F8, (inner,), 1, "write"),
        )
        memory = dense(a, b, table, np.zeros(1, np.int32), np.zeros(rows * inner))
        check(Kernel((rows,), inner, operands, (Stage((), body),), lanes), memory)


@pytest.mark.parametrize("position", [0, -1, 6, 7, -8])
def test_gather_of_rows(position):
    """A position of the row, elements side by side."""
    x = np.arange(70.0)
    stage = Stage(
        (I("load", (), I8, (0,)),), (I("gather", (0,), F8, (1, 2, (10,), (7,))), I("store", (1,), F8, (3,)))
    )  # fmt: skip
    operands = (
        Operand(I8, (1,), 0),
        Operand(F8, (0,), 1),
        Operand(I4, (0,), 0, "write"),
        Operand(F8, (10,), 1, "write"),
    )
    positions = np.array([3, position, 2])
    memory = dense(positions, x, np.zeros(1, np.int32), np.zeros(30))
    check(Kernel((3,), 10, operands, (stage,)), memory)
    status, out = np.zeros(1, np.int32), np.zeros(30)
    Compiled(Kernel((3,), 10, operands, (stage,)))(dense(positions, x, status, out))
    assert status[0] == (not -7 <= position < 7)


@pytest.mark.parametrize("lanes", ["inner", "rows"])
@pytest.mark.parametrize("use", ["write", "sum", "max"])
def test_scatter(use, lanes):
    """Equal positions: the last one counts, or all do."""
    rng = np.random.default_rng(0)
    for rows, inner in ((1, 30), (6, 7), (25, 2)):
        a = rng.integers(-6, 6, rows * inner)  # -6, of 5, is outside
        x = rng.integers(0, 9, rows * inner).astype(np.float64)
        body = (I("load", (), I8, (0,)), I("load", (), F8, (1,)), I("scatter", (1, 0), F8, (2, 3, (2,), (5,))))
        operands = (
            Operand(I8, (inner,), 1), Operand(F8, (inner,), 1),
            Operand(F8, (0,), 0, use), Operand(I4, (0,), 0, "write"),
        )  # fmt: skip
        kernel = Kernel((rows,), inner, operands, (Stage((), body),), lanes)
        check(kernel, dense(a, x, np.zeros(12), np.zeros(1, np.int32)))


@pytest.mark.parametrize("use", ["write", "sum"])
def test_scatter_of_rows(use):
    a, x = np.array([1, 4, -4, 1, 7]), np.arange(100.0)
    stage = Stage((I("load", (), I8, (0,)),), (I("load", (), F8, (1,)), I("scatter", (1, 0), F8, (2, 3, (20,), (5,)))))
    operands = (Operand(I8, (1,), 0), Operand(F8, (20,), 1), Operand(F8, (0,), 1, use), Operand(I4, (0,), 0, "write"))
    for lanes in ("inner", "rows"):
        check(Kernel((5,), 20, operands, (stage,), lanes), dense(a, x, np.ones(100), np.zeros(1, np.int32)))
