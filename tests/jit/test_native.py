"""Programs run natively: the table, the entry with all its refusals, references, memory, threads of Python."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from wengert.compiler.kernel import Instruction, Kernel, Operand, Stage
from wengert.compiler.native import blas as blas_module
from wengert.compiler.native import matrices, pool, runtime, selftest
from wengert.compiler.native.blas import blas
from wengert.compiler.native.engine import Engine, Source
from wengert.compiler.native.entry import FAILED_RUN, CellGuard, DictGuard, In, Object, Out, PassIn, Static, make_entry
from wengert.compiler.native.kernels import addresses_of, call_of_kernel
from wengert.compiler.native.linked import _raise_for
from wengert.compiler.native.selftest import adding
from wengert.compiler.native.table import link, run
from wengert.compiler.native.target import host
from wengert.compiler.native.words import translate
from wengert.compiler.program import ALARM, Alarm, ArraySpec, Call, Gemm, Loop, Program, Ref

F8, F4, I8 = np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.int64)


def entry_of(arguments, result, size=4, **keywords):
    return make_entry(adding(size), arguments, result, **keywords)


SIMPLE = ((In(0), In(1, int), In(2, int)), (Out(0), Out(1, "python")))
A = np.arange(4)


# What is there, and what is not


def test_native_code_runs_here():
    assert selftest.available() is None


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("WENGERT_NO_NATIVE", "WENGERT_NO_NATIVE is set"), ("WENGERT_NO_CACHE", None)],
)
def test_settings(setting, reason):
    code = "from wengert.compiler.native.selftest import available; print(available())"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, setting: "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == f"{reason}\n"


def test_the_reason_names_what_is_missing(monkeypatch):
    monkeypatch.setattr(selftest.importlib.util, "find_spec", lambda name: None)
    assert selftest.available.__wrapped__() == "llvmlite is not installed"


def test_a_failed_trial_is_a_reason(monkeypatch):
    monkeypatch.setattr(selftest.world, "DATA", selftest.world.DATA + 8)
    assert "an array's memory: expected" in selftest.available.__wrapped__()


# The subset of Python


def test_statements_of_the_subset():
    text = translate("def f(x):\n    while x > 3 and not x == 5:\n        x -= 1\n    return x", {})
    assert text.count("br i1") == 2
    with pytest.raises(TypeError, match="not in the subset: for"):
        translate("def f(x):\n    for i in x:\n        pass", {})
    with pytest.raises(TypeError, match="no function unknown"):
        translate("def f(x):\n    return unknown(x)", {})


SUBSET = """
def collatz(n, limit):
    steps = 0
    while True:
        if n == 1 or steps >= limit:
            break
        if n % 2 == 0 and not n < 0:
            n = n // 2
            steps += 1
            continue
        n = 3 * n + 1
        steps += 1
    return steps

def bits(x, y):
    return ((x & y) << 3 | x ^ y) >> 1

def sign(x):
    if x > 0:
        return 1
    return 0 - (x <= -1)

def memory(p, x):
    store(p, 0, x)
    store_int(p, 8, x)
    store_byte(p, 12, x)
    former = exchange(p + 16, x) + add_to(p + 16, 1)
    former += compare_exchange(p + 16, x + 1, 7) + compare_exchange(p + 16, 0, 8)
    return former + load(p) + load_int(p, 8) + load_byte(p, 12) + load(p + 8, 8) + LIMIT

def numbers(f, x):
    return double_call(f, call_double(f, from_int(x))) + float32(0) + int32(4294967295)
"""


def compiled_subset():
    text = translate(SUBSET, {"LIMIT": 1000})
    names = ["collatz", "bits", "sign", "memory", "numbers"]
    return Engine(host(), lambda name: Source("", ())).functions(names, lambda _: Source(text, tuple(names), (), True))


def test_the_subset_computes_as_python_does():
    found, python = compiled_subset(), {}
    exec(SUBSET, python)  # noqa: S102 -- the text above

    def native(name, *args):
        return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(args))(found[name])(*args)

    for x in (1, 2, 6, 7, 27, 97):
        assert native("collatz", x, 50) == python["collatz"](x, 50)
        assert native("bits", x, 13) == python["bits"](x, 13)
    assert [native("sign", x) for x in (5, 0, -5)] == [1, 0, -1]


def test_the_subset_reads_and_writes_memory():
    memory = (ctypes.c_int64 * 3)(0, 0, 5)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)(compiled_subset()["memory"])
    x = 2**33 - 3
    total = function(ctypes.addressof(memory), x)
    assert total == (5 + x + (x + 1) + 7) + x + -3 + 253 + 7 + 1000
    assert list(memory) == [x, 2**32 - 3 + (253 << 32), 7]


# Products of matrices, loops


@pytest.mark.parametrize("dtype", [F4, F8])
@pytest.mark.parametrize("transposed", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [(1, 7, 5), (1, 67, 33), (1, 40, 3), (1, 300, 100), (7, 1, 5), (67, 1, 35), (1, 1, 9), (300, 1, 100), (5, 6, 7),
     (1, 1, 1), (3, 2, 1), (2, 3, 0), (1, 3, 0), (0, 3, 2), (1, 0, 2)],
)  # fmt: skip
def test_products(m, n, k, transposed, dtype):
    ta, tb = transposed
    rng = np.random.default_rng(m * n + k)
    a = rng.standard_normal((2, *((k, m) if ta else (m, k)))).astype(dtype)
    b = rng.standard_normal((2, *((n, k) if tb else (k, n)))).astype(dtype)
    specs = [ArraySpec(x.shape, dtype) for x in (a, b)]
    places = [Ref("input", 0), Ref("input", 1), Ref("output", 0)]
    once = Gemm(
        dtype,
        m,
        n,
        k,
        *places,
        *(max(x.shape[2], 1) for x in (a, b)),
        max(n, 1),
        ta,
        tb,
        False,
        2,
        (m * k, k * n, m * n),
    )
    program = Program(tuple(specs), (ArraySpec((2, m, n), dtype),), (), 0, (once, once._replace(add=True)))
    exact = 2 * (a.astype(np.float64).mT if ta else a.astype(np.float64)) @ (b.mT if tb else b)
    (found,) = run(program, [a, b])
    np.testing.assert_allclose(found, exact, rtol=0, atol=40 * (k + 1) * np.finfo(dtype).eps)


def test_what_is_in_the_result_before_is_not_used():
    """Memory that is not initialised may hold NaNs."""
    for m, n in [(1, 200), (200, 1), (1, 5), (5, 1), (6, 6)]:
        first = Gemm(F8, m, n, 100, Ref("input", 0), Ref("input", 1), Ref("work", 0), 100, n, n)
        spoil = first._replace(a=Ref("constant", 0))
        copy = Gemm(F8, m, n, n, Ref("work", 0), Ref("constant", 1), Ref("output", 0), n, n, n)
        constants = (np.full((m, 100), np.nan), np.eye(n))
        specs = ArraySpec((m, 100), F8), ArraySpec((100, n), F8)
        program = Program(specs, (ArraySpec((m, n), F8),), constants, 8 * m * n, (spoil, first, copy))
        a, b = np.ones((m, 100)), np.ones((100, n))
        np.testing.assert_allclose(run(program, [a, b])[0], a @ b)


def test_nested_loops_move_along():
    """Outer products of the rows of a with the rows of b, for each pair of rows."""
    a, b = np.arange(6.0).reshape(3, 2), np.arange(8.0).reshape(2, 4)
    outer = Gemm(
        F8, 2, 4, 1, Ref("input", 0, 0, (16, 0)), Ref("input", 1, 0, (0, 32)), Ref("output", 0, 0, (128, 64)), 1, 4, 4
    )
    constant = Gemm(F8, 1, 1, 1, Ref("constant", 0), Ref("constant", 0), Ref("output", 1), 1, 1, 1)
    program = Program(
        (ArraySpec((3, 2), F8), ArraySpec((2, 4), F8)), (ArraySpec((3, 2, 2, 4), F8), ArraySpec((), F8)),
        (np.array([3.0]),), 0, (Loop(3, (Loop(2, (outer,)), constant)), Loop(0, (constant._replace(add=True),))),
    )  # fmt: skip
    found, nine = run(program, [a, b])
    np.testing.assert_array_equal(found, np.einsum("im,jn->ijmn", a, b))
    assert nine == 9.0


def test_programs_say_how_long_they_run():
    """Roughly, from which follows whether other threads of Python may run meanwhile."""
    small = product_of(F8)
    large = Gemm(F8, 300, 300, 300, Ref("input", 0), Ref("input", 0), Ref("output", 0), 300, 300, 300)
    spec = ArraySpec((300, 300), F8)
    linked = link(Program((spec,), (spec,), (), 0, (Loop(2, (large,)), large)))
    assert small.nanoseconds < 1000
    assert linked.nanoseconds > 100_000
    a = np.eye(300)
    np.testing.assert_array_equal(make_entry(linked, (In(0),), Out(0))(a), a)


def scaled(number):
    """A kernel that multiplies by a number."""
    body = (
        Instruction("load", (), F8, (0,)),
        Instruction("constant", (), F8, number),
        Instruction("mul", (0, 1), F8),
        Instruction("store", (2,), F8, (1,)),
    )
    return Kernel((), 3, (Operand(F8, (), 1), Operand(F8, (), 1, "write")), (Stage((), body),))


def test_kernels_that_are_equal_are_compiled_once():
    spec = ArraySpec((3,), F8)
    numbers = (2.0, 2.0, 0.0, -0.0, float("nan"), float("nan"), -0.0)
    kernels = [scaled(number) for number in numbers]
    calls = tuple(Call(kernel, (Ref("input", 0), Ref("output", i))) for i, kernel in enumerate(kernels))
    functions = [call_of_kernel(call).function for call in calls]
    assert len(set(functions)) == len(set(addresses_of(functions).values())) == 4
    found = run(Program((spec,), (spec,) * len(numbers), (), 0, calls), [np.array([1.0, -2.0, 3.0])])
    expected = [number * np.array([1.0, -2.0, 3.0]) for number in numbers]
    assert [x.tobytes() for x in found[:4]] == [x.tobytes() for x in expected[:4]]
    np.testing.assert_array_equal(found, expected)


def test_run_takes_arrays_of_any_layout():
    a = np.zeros(4 * 8 + 1, np.uint8)[1:].view(np.int64)
    a[:] = np.arange(4)
    for array in (a, np.arange(8)[::2] // 2):
        found, _ = adding(4)([array, np.array(1), np.array(2)])
        np.testing.assert_array_equal(found, array + 1)


def test_run_checks_its_arrays():
    program = Program((ArraySpec((2,), F8),), (), (), 0, ())
    with pytest.raises(ValueError, match="Input 0: expected"):
        run(program, [np.zeros(3)])


@pytest.mark.parametrize("dtype", [F4, F8])
@pytest.mark.parametrize("transposed", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize(("m", "n", "k"), [(5, 6, 7), (1, 300, 100), (300, 1, 100)])
def test_the_other_library(m, n, k, transposed, dtype, monkeypatch):
    """SciPy's, which is called as Fortran does."""
    library = blas_module._of_scipy()
    assert library.thread_count() == 1
    monkeypatch.setattr(matrices, "blas", lambda: library)
    test_products(m, n, k, transposed, dtype)


def test_no_library_at_all(monkeypatch):
    monkeypatch.setattr(matrices, "blas", lambda: None)
    with pytest.raises(RuntimeError, match="There is no BLAS"):
        product_of(F8)


def test_blas_says_how_many_threads_it_uses():
    assert blas().thread_count() >= 1


# The entry: arguments


def test_trees_of_arguments_and_results():
    f = entry_of(([In(0), (In(1, int),)], {"x": In(2, int), "y": {}}), {"a": [Out(0)], "b": (Out(1, "scalar"), [])})
    found = f([A, (10,)], {"x": 5, "y": {}})
    assert list(found) == ["a", "b"]
    assert type(found["b"]) is tuple
    np.testing.assert_array_equal(found["a"][0], A + 10)
    assert repr(found["b"]) == repr((np.int64(15), []))


@pytest.mark.parametrize(
    "argument",
    [np.arange(5), np.arange(4.0), np.arange(8)[::2], np.arange(4)[::-1], np.arange(4).reshape(2, 2), np.int64(3), None,
     [0, 1, 2, 3], np.ma.array(np.arange(4)), np.arange(4).astype(">i8"), np.arange(4, dtype="u8"),
     np.arange(4).view(np.matrix),
     np.frombuffer(b"0" * 33, "i8", 4, offset=1), np.array(3), np.arange(4).astype("m8[s]")],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_unsuitable_arrays(argument):
    f = entry_of(*SIMPLE)
    assert f(argument, 1, 2) is NotImplemented


def test_suitable_arrays():
    f = entry_of(*SIMPLE)
    frozen = np.arange(4)
    frozen.flags.writeable = False
    other_type = np.arange(4).astype(np.longlong if np.dtype(np.longlong) != np.int64 else np.int64)
    other_type = other_type.view(np.dtype("q"))
    described = np.arange(4).view(np.dtype("i8", metadata={"unit": "m"}))
    for array in (frozen, np.arange(8)[4:], other_type, described, np.arange(8).reshape(2, 4)[1]):
        found, _ = f(array, 1, 2)
        np.testing.assert_array_equal(found, array + 1)


@pytest.mark.parametrize("argument", [1.0, True, np.int64(1), None, 2**63, -(2**63) - 1, "1", np.array(1)])
def test_unsuitable_numbers(argument):
    assert entry_of(*SIMPLE)(A, argument, 2) is NotImplemented


@pytest.mark.parametrize("number", [0, -2, 2**62, -(2**63)])
def test_integers(number):
    assert entry_of(*SIMPLE)(A, 0, number)[1] == number


def product_of(dtype):
    """The program that multiplies two numbers."""
    number = ArraySpec((), dtype)
    step = Gemm(dtype, 1, 1, 1, Ref("input", 0), Ref("input", 1), Ref("output", 0), 1, 1, 1)
    return link(Program((number, number), (number,), (), 0, (step,)))


@pytest.mark.parametrize("kind", [float, int])
@pytest.mark.parametrize("dtype", [F4, F8])
def test_floats(kind, dtype):
    f = make_entry(product_of(dtype), (In(0, kind), In(1, dtype.type)), Out(0, "scalar"))
    found = f(kind(3), dtype.type(0.1))
    assert type(found) is dtype.type
    assert found == dtype.type(0.1) * dtype.type(3)
    assert f(dtype.type(3), dtype.type(0.1)) is NotImplemented
    assert f(10**400, dtype.type(1)) is NotImplemented
    if kind is float:
        assert np.isnan(f(float("nan"), dtype.type(1)))
        assert f(1e300, dtype.type(1)) == (1e300 if dtype == F8 else np.inf)


def test_numbers_that_cannot_be_read():
    with pytest.raises(TypeError, match=r"input 0: .*can't be read from float"):
        make_entry(adding(3), (In(0, float), In(1, int), In(2, int)), Out(0))
    with pytest.raises(TypeError, match=r"input 1: .*can't be read from float32"):
        make_entry(adding(3), (In(0), In(1, np.float32), In(2, int)), Out(0))


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("expected", "same", "different"),
    [
        (3, [3, 10**20 - 10**20 + 3], [4, 3.0, True, None, np.int64(3)]),
        (10**30, [10**29 * 10], [10**30 + 1]),
        (0.0, [0.0], [-0.0, 0, False]),
        (float("nan"), [float("nan")], [0.0]),
        ("mode", ["mo" + "de"], ["Mode", Text("mode"), b"mode", None]),
        (b"\0a", [bytes([0, 97])], [b"\0", "a"]),
        (None, [None], [0, False, ()]),
        (True, [True], [1, False]),
        (np.add, [np.add], [np.subtract]),
    ],
)
def test_static_arguments(expected, same, different):
    f = entry_of((*SIMPLE[0], Static(expected)), Out(1, "python"))
    for value in same:
        assert f(A, 1, 2, value) == 3
    for value in different:
        assert f(A, 1, 2, value) is NotImplemented


def test_dicts_have_their_keys_in_order():
    f = entry_of(({"one": In(0), "two": In(1, int), 3: In(2, int)},), Out(1, "python"))
    assert f({"one": A, "".join(["t", "wo"]): 1, 3: 2}) == 3
    assert f({"two": 1, "one": A, 3: 2}) is NotImplemented
    assert f({"one": A, "two": 1}) is NotImplemented
    assert f({"one": A, "two": 1, 3: 2, 4: 5}) is NotImplemented
    assert f({"one": A, "two": 1, "3": 2}) is NotImplemented
    assert f([("one", A)]) is NotImplemented

    class Other(dict):
        pass

    assert f(Other(one=A)) is NotImplemented


def test_the_number_of_arguments():
    f = entry_of(*SIMPLE)
    assert f() is NotImplemented
    assert f(A, 1) is NotImplemented
    assert f(A, 1, 2, 3) is NotImplemented
    with pytest.raises(TypeError, match="no keyword"):
        f(A, 1, c=2)


def test_each_input_is_named_once():
    with pytest.raises(ValueError, match=r"name inputs \[0, 1\]; each is to be named once"):
        make_entry(adding(3), (In(0), In(1, int)), Out(0))
    with pytest.raises(TypeError, match=r"arguments: .* is no list, tuple, dict or leaf"):
        make_entry(adding(3), ({1, 2},), Out(0))
    with pytest.raises(TypeError, match=r"result: .* is no list, tuple, dict or leaf"):
        make_entry(adding(3), SIMPLE[0], {1, 2})
    with pytest.raises(ValueError, match="which is no number"):
        make_entry(adding(3), SIMPLE[0], Out(0, "scalar"))
    with pytest.raises(ValueError, match="is not provided"):
        make_entry(product_of(F4), (In(0, float), In(1, float)), Out(0, "python"))


# The entry: what else it depends on


def test_captured_arrays_are_read_anew():
    array = np.arange(4)
    f = entry_of((In(1, int), In(2, int)), Out(0), captured=[(0, array)])
    array += 5
    np.testing.assert_array_equal(f(1, 2), array + 1)
    array.resize(8, refcheck=False)
    assert f(1, 2) is NotImplemented
    array.resize(4, refcheck=False)
    np.testing.assert_array_equal(f(1, 2), array + 1)


def test_guards():
    value, names = object(), {"known": None}
    variable = value
    cell = (lambda: variable).__closure__[0]
    names["known"] = value
    f = entry_of(*SIMPLE, guards=[CellGuard(cell, value), DictGuard(names, "known", value)])
    assert f(A, 1, 2) is not NotImplemented
    variable = 0
    assert f(A, 1, 2) is NotImplemented
    del variable
    assert f(A, 1, 2) is NotImplemented
    variable = value
    assert f(A, 1, 2)[1] == 3
    names["known"] = 0
    assert f(A, 1, 2) is NotImplemented
    del names["known"]
    assert f(A, 1, 2) is NotImplemented
    names["known"] = value
    assert f(A, 1, 2)[1] == 3


# The entry: results


def test_one_output_twice_and_inputs_passed_through():
    token = object()
    f = entry_of(SIMPLE[0], (Out(0), Out(0), PassIn(0), PassIn(1), Object(token), Out(1), Out(1, "python")))
    found = f(A, 10, 2)
    assert found[0] is found[1]
    assert found[2] is A
    assert found[3:5] == (10, token)
    assert type(found[5]) is np.ndarray
    assert found[5] == found[6] == 12


def test_a_failed_run():
    f = entry_of(*SIMPLE)
    assert f(np.array([0, -1, 0, 0]), 1, 2) is FAILED_RUN
    assert f(A, 1, 2)[1] == 3
    with pytest.raises(IndexError, match="out of bounds"):
        adding(2)([np.array([0, -1]), np.array(1), np.array(2)])
    with pytest.raises(Alarm):
        _raise_for(ALARM)


@pytest.mark.parametrize("long", [False, True])
def test_references_and_memory_stay(long):
    token = object()
    f = entry_of(
        ([In(0)], {"b": In(1, int)}, In(2, np.int64), Static("static")),
        {"x": [Out(0), (Out(1, "scalar"), PassIn(0))], "y": Object(token)},
        long=long,
    )
    a, c, wrong = np.arange(4), np.int64(5), np.arange(4.0)
    failing = np.array([-1, 0, 0, 0])
    watched = [a, wrong, failing, c, token, I8, NotImplemented, FAILED_RUN]

    def calls(n):
        for _ in range(n):
            f([a], {"b": 10**6}, c, "static")
            f([wrong], {"b": 10**6}, c, "static")
            f([failing], {"b": 10**6}, c, "static")
            f([a], {"b": None}, c, "static")
            f([a], {"b": 10**30}, c, "static")

    calls(10)
    gc.collect()
    before = [sys.getrefcount(x) for x in watched]
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    calls(20_000)
    grown = tracemalloc.get_traced_memory()[0] - start
    tracemalloc.stop()
    assert [sys.getrefcount(x) for x in watched] == before
    assert grown < 2000


def test_an_entry_can_be_collected():
    class Watched:
        pass

    import weakref

    token = Watched()
    f = entry_of(SIMPLE[0], Object(token))
    seen = weakref.ref(token)
    token.cycle = f
    del token, f
    gc.collect()
    assert seen() is None


def test_outputs_that_cannot_be_made_raise():
    """2**62 bytes are refused, and what was made before is given back."""
    shape = (2**31, 2**28)
    number = ArraySpec((), F8)
    program = Program((number,), (ArraySpec((3,), F8), ArraySpec(shape, F8)), (), 0, ())
    f = make_entry(link(program), (In(0, float),), (Out(0), Out(1)))
    before = sys.getrefcount(F8)
    for _ in range(3):
        with pytest.raises(MemoryError):
            f(1.0)
    assert sys.getrefcount(F8) == before


# Memory of large outputs


SIZE = 1 << 17


def test_large_outputs_are_used_again():
    f = make_entry(adding(SIZE, check=False), SIMPLE[0], Out(0))
    a = np.arange(SIZE)
    first = f(a, 1, 0)
    assert first.flags.owndata
    assert first.base is None
    assert first.ctypes.data % 64 == 0
    address = first.ctypes.data
    second = f(a, 2, 0)
    assert second.ctypes.data != address
    np.testing.assert_array_equal(first, a + 1)
    del first
    third = f(a, 3, 0)
    assert third.ctypes.data == address
    np.testing.assert_array_equal(third, a + 3)
    np.testing.assert_array_equal(second, a + 2)
    view = third[5:]
    del third
    assert f(a, 3, 0).ctypes.data != address
    np.testing.assert_array_equal(view, a[5:] + 3)


def test_large_outputs_live_as_arrays_do():
    f = make_entry(adding(SIZE, check=False), SIMPLE[0], Out(0))
    array = f(np.arange(SIZE), 1, 0)
    array.resize(3 * SIZE)
    np.testing.assert_array_equal(array[:SIZE], np.arange(SIZE) + 1)
    assert not array[SIZE:].any()
    array.resize(10)
    np.testing.assert_array_equal(array, np.arange(10) + 1)
    np.testing.assert_array_equal(np.zeros_like(array), 0)


def test_kept_memory_is_bounded_and_can_be_released():
    state = runtime._pool_state()

    def kept():
        return state[pool.KEPT // 8], state[pool.COUNT // 8]

    runtime.release_memory()
    assert kept() == (0, 0)
    sizes = [SIZE + 512 * i for i in range(pool.KEPT_BLOCKS + 6)]
    arrays = [make_entry(adding(n, check=False), SIMPLE[0], Out(0))(np.zeros(n, I8), 1, 0) for n in sizes]
    while arrays:
        arrays.pop()
        assert kept()[0] <= runtime.POOL_LIMIT
        assert kept()[1] <= pool.KEPT_BLOCKS
    assert kept()[1] == pool.KEPT_BLOCKS
    runtime.release_memory(8 * SIZE * 2)
    assert 0 < kept()[0] <= 8 * SIZE * 2
    runtime.release_memory()
    assert kept() == (0, 0)


def test_arrays_outlive_everything():
    """Arrays with memory of the pool may be the last thing that the interpreter frees."""
    code = (
        "import sys, numpy as np\n"
        "from wengert.compiler.native.selftest import adding\n"
        "from wengert.compiler.native.entry import *\n"
        "f = make_entry(adding(1 << 17, check=False), (In(0), In(1, int), In(2, int)), Out(0))\n"
        "sys.kept = [f(np.zeros(1 << 17, 'i8'), 1, 2), f]\n"
        "import builtins; builtins.kept = sys.kept\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


# Threads of Python


@pytest.mark.parametrize("long", [False, True])
def test_long_runs_let_others_work(long):
    """A thread that waits for the interpreter's lock gets it in a long run, and else not, as it isn't taken away."""
    f = make_entry(adding(1 << 20), SIMPLE[0], Out(0), long=long)
    a = np.arange(1 << 20)
    start, seen = threading.Event(), []

    def other():
        start.wait()
        seen.append(1)

    thread = threading.Thread(target=other)
    interval = sys.getswitchinterval()
    thread.start()
    try:
        sys.setswitchinterval(1000)
        start.set()
        for _ in range(500 if long else 5):
            f(a, 1, 2)
            if seen:
                break
        found = list(seen)
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert found == ([1] if long else [])


@pytest.mark.parametrize("long", [False, True])
def test_many_threads_share_an_entry(long):
    f = make_entry(adding(SIZE), SIMPLE[0], (Out(0), Out(1, "python")), long=long)
    a = np.arange(SIZE)
    wrong = []

    def work(b):
        for _ in range(20):
            found, number = f(a, b, b)
            if number != 2 * b or not np.array_equal(found, a + b):
                wrong.append(b)

    threads = [threading.Thread(target=work, args=(b,)) for b in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
