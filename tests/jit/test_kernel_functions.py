"""Every scalar function, in emitted code, agrees with NumPy's."""

import numpy as np
import pytest

from tests.jit.kernel_runs import Compiled, check, dense, elementwise
from tests.jit.random_kernels import NUMBERS, values
from wengert.compiler.emit import emit
from wengert.compiler.functions import BITWISE, EXACT, FUNCTIONS, TESTS, TRANSCENDENTAL
from wengert.compiler.kernel import Instruction, Kernel, Operand, Stage

F4, F8, I4, I8, BOOL = (np.dtype(name) for name in ("float32", "float64", "int32", "int64", "bool"))
ALL = [np.dtype(name) for name in ("bool", *NUMBERS)]
FLOATS = [F4, F8]
I = Instruction  # noqa: E741
BINARY = {"add", "sub", "mul", "div", "maximum", "minimum", "fmax", "fmin", "copysign", "floor_divide", "remainder",
          "fmod", "atan2", "pow", "hypot", "logaddexp", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor", "shl",
          "shr"}  # fmt: skip
ONLY_FLOAT = {"div", "sqrt", "copysign", "rint", *TRANSCENDENTAL}
NOT_BOOL = {"sub", "neg", "sign", "floor_divide", "remainder", "fmod", "shl", "shr"}


def applies(fn: str, dtype: np.dtype) -> bool:
    if dtype.kind == "f":
        return fn not in BITWISE
    return fn not in ONLY_FLOAT and not (dtype.kind == "b" and fn in NOT_BOOL)


def edges(dtype: np.dtype) -> np.ndarray:
    """Values at which functions are awkward, with ordinary ones."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind == "f":
        special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.25, 1e-3, 6.0]
        return np.array(special, dtype)
    info, bits = np.iinfo(dtype), 8 * dtype.itemsize
    small = [0, 1, 2, 3, 7, bits - 1, bits, bits + 3, info.max, info.max - 1]
    return np.array(small + ([-1, -2, -7, info.min, info.min + 1] if dtype.kind == "i" else []), dtype)


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("fn", sorted(set(FUNCTIONS) - {"select"}))
def test_functions(fn, dtype):
    if not applies(fn, dtype):
        with pytest.raises(ValueError, match="Kernels"):
            emit(elementwise([(fn, (0, 1) if fn in BINARY else (0,), dtype)], [dtype, dtype], 5), "k", 32)
        return
    x = edges(dtype)
    a, b = (array.ravel() for array in np.meshgrid(x, x))
    result = BOOL if fn in TESTS else dtype
    kernel = elementwise([(fn, (0, 1) if fn in BINARY else (0,), result)], [dtype, dtype], a.size)
    check(kernel, dense(a, b, np.zeros(a.size, result)))


@pytest.mark.parametrize("fn", ["add", "lt", "isnan", "exp", "floor_divide", "remainder", "maximum", "copysign"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_functions_on_the_row(fn, dtype):
    x = edges(dtype)
    a, b = (array.ravel() for array in np.meshgrid(x, x))
    result = BOOL if fn in TESTS else dtype
    args = (0, 1) if fn in BINARY else (0,)
    scalars = (
        I("load", (), dtype, (0,)),
        I("load", (), dtype, (1,)),
        I(fn, args, result),
        I("store", (2,), result, (2,)),
    )
    operands = (Operand(dtype, (1,), 0), Operand(dtype, (1,), 0), Operand(result, (1,), 0, "write"))
    for lanes in ("inner", "rows"):
        kernel = Kernel((a.size,), 1, operands, (Stage(scalars, ()),), lanes)
        check(kernel, dense(a, b, np.zeros(a.size, result)))


def test_signs_of_zero_are_kept():
    x = np.array([0.0, -0.0, 1.0, -1.0])
    kernel = elementwise([("neg", (0,), F8), ("copysign", (0, 1), F8), ("add", (2, 2), F8)], [F8], 4)
    out = np.zeros(4)
    Compiled(kernel)(dense(x, out))
    np.testing.assert_array_equal(np.signbit(out), np.signbit(-x))


@pytest.mark.parametrize("target", ALL, ids=str)
@pytest.mark.parametrize("source", ALL, ids=str)
def test_casts(source, target):
    x = edges(source)
    if source.kind == "f" and target.kind in "iu":
        info = np.iinfo(target)
        x = x[np.isfinite(x)]
        x = x[(x > info.min - 1) & (x < info.max)]
    check(elementwise([("cast", (0,), target)], [source], x.size), dense(x, np.zeros(x.size, target)))


def test_a_cast_out_of_range_is_some_number():
    x = np.array([np.nan, np.inf, -1e300, 1e300])
    out = np.zeros(4, np.int64)
    Compiled(elementwise([("cast", (0,), I8)], [F8], 4))(dense(x, out))
    assert out.dtype == I8


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_select(dtype):
    rng = np.random.default_rng(0)
    test, a, b = values(rng, BOOL, 37), values(rng, dtype, 37), values(rng, dtype, 37)
    check(elementwise([("select", (0, 1, 2), dtype)], [BOOL, dtype, dtype], 37), dense(test, a, b, np.zeros(37, dtype)))


def test_vector_functions_of_every_length():
    rng = np.random.default_rng(0)
    for n in range(35):
        x = rng.normal(size=n)
        check(elementwise([("exp", (0,), F8), ("add", (1, 0), F8)], [F8], n), dense(x, np.zeros(n)))
        check(elementwise([("cast", (0,), F4), ("tanh", (1,), F4)], [F8], n), dense(x, np.zeros(n, np.float32)))


def test_constants_keep_their_sign_and_nan():
    for number in (0.0, -0.0, np.nan, np.inf, 1e-310):
        body = (I("constant", (), F8, number), I("store", (0,), F8, (0,)))
        out = np.ones(9)
        Compiled(Kernel((), 9, (Operand(F8, (), 1, "write"),), (Stage((), body),)))(dense(out))
        np.testing.assert_array_equal(out, np.full(9, number))
        np.testing.assert_array_equal(np.signbit(out), np.signbit(np.full(9, number)))


def test_every_function_is_known():
    assert set(FUNCTIONS) == set(EXACT) | set(TRANSCENDENTAL) | set(TESTS) | set(BITWISE)
    assert set(FUNCTIONS) >= BINARY
