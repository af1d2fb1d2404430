"""Kernels whose work threads share: the same results as without, whatever happens around them."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from wengert.compiler.kernel import Instruction, Kernel, Operand, Stage
from wengert.compiler.native import work, workers
from wengert.compiler.native.table import link
from wengert.compiler.program import ArraySpec, Call, Program, Ref

F8 = np.dtype(np.float64)

PREPARED = """
import os, threading
import numpy as np
from wengert.compiler.native import loop, runtime, workers
from wengert.compiler.native.entry import In, Out, make_entry
from wengert.compiler.native.linked import layout
from wengert.compiler.program import ArraySpec, Program

def sharing(size, chunk, crew):
    whole, number = ArraySpec((size,), np.dtype(np.int64)), ArraySpec((), np.dtype(np.int64))
    program = Program((whole, number), (whole,), (), 8, (), 0)
    add = runtime.addresses()["add_words"]
    words = [loop.CALL, add, 0, size, 4, crew, chunk, 16, 0, 24, 0, 32, 0, 8, 0, loop.END]
    return make_entry(layout(program, words, 4), (In(0), In(1, int)), Out(0), long=True)

crew = workers.crew()
assert crew
a = np.arange(10_000)
f = sharing(a.size, 64, crew)

def check(n, b=1):
    for i in range(n):
        assert np.array_equal(f(a, b + i), a + b + i)
"""


def run(code, threads=3):
    environment = {**os.environ, "WENGERT_NUM_THREADS": str(threads)}
    code = PREPARED + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_every_chunk_is_done_once(threads):
    run("check(3000)", threads)


def test_threads_that_sleep_wake_up():
    run(
        """
        import time
        for _ in range(20):
            time.sleep(0.005)
            check(2)
        """
    )


def test_several_threads_of_python_share_the_crew():
    run(
        """
        failed = []
        def work(b):
            try:
                check(300, b)
            except AssertionError:
                failed.append(b)
        threads = [threading.Thread(target=work, args=(1000 * b,)) for b in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not failed
        """
    )


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128])
def test_ranges_that_end_anywhere(size):
    run(f"a = np.arange({size}); f = sharing(a.size, 64, crew); check(50)")


def test_more_chunks_than_elements_fit():
    run("f = sharing(a.size, 1, crew); check(20)")


def test_forked_processes_work_alone():
    if not hasattr(os, "fork"):
        return
    run(
        """
        import warnings
        check(10)
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork in a process with threads
        for _ in range(5):
            child = os.fork()
            if child == 0:
                try:
                    check(100)
                    assert workers.crew() == crew
                except BaseException:
                    os._exit(1)
                os._exit(0)
            check(10)
            assert os.waitpid(child, 0)[1] == 0
        """
    )


@pytest.mark.parametrize(("setting", "count"), [("1", 1), ("5", 5), ("0", 1)])
def test_how_many(monkeypatch, setting, count):
    monkeypatch.setenv("WENGERT_NUM_THREADS", setting)
    assert workers.thread_count() == count


@pytest.mark.parametrize("setting", ["", "many"])
def test_as_many_as_blas_uses(monkeypatch, setting):
    monkeypatch.setenv("WENGERT_NUM_THREADS", setting)
    assert workers.thread_count() == workers.blas().thread_count()


# Kernels


def squares(n, rows=(), lanes="inner"):
    steps = (n,) if rows else ()
    operands = (Operand(F8, steps, 1), Operand(F8, steps, 1, "write"))
    body = (
        Instruction("load", (), F8, (0,)),
        Instruction("mul", (0, 0), F8),
        Instruction("add", (1, 0), F8),
        Instruction("store", (2,), F8, (1,)),
    )
    return Kernel(rows, n, operands, (Stage((), body),), lanes)


def test_small_kernels_are_not_shared():
    assert work.chunk_of(squares(1000), 32) == 0
    assert work.nanoseconds(squares(1000)) < work.nanoseconds(squares(2000))


def test_chunks_end_where_vectors_do():
    chunk = work.chunk_of(squares(10**6), 32)
    assert 0 < chunk < 10**6
    assert chunk % 8 == 0
    assert 0 < work.chunk_of(squares(100, (10**4,)), 32) < 10**4


def test_what_depends_on_its_own_results_is_not_shared():
    body = (Instruction("load", (), F8, (0,)), Instruction("reduce", (0,), F8, "sum"))
    store = (Instruction("store", (1,), F8, (1,)),)
    kernel = Kernel((), 10**7, (Operand(F8, (), 1), Operand(F8, (), 0, "write")), (Stage((), body), Stage(store, ())))
    assert work.chunk_of(kernel, 32) == 0


@pytest.mark.parametrize("rows", [(), (50,)])
def test_shared_kernels_give_the_same(rows, monkeypatch):
    n = 20_011
    kernel = squares(n, rows)
    spec = ArraySpec((*rows, n), F8)
    program = Program((spec,), (spec,), (), 0, (Call(kernel, (Ref("input", 0), Ref("output", 0))),))
    x = np.random.default_rng(0).standard_normal(spec.shape)
    shared = link(program)([x])[0]
    monkeypatch.setattr(workers, "crew", lambda: 0)
    alone = link(program)([x])[0]
    assert shared.tobytes() == alone.tobytes()
    np.testing.assert_allclose(shared, x * x + x, rtol=1e-14, atol=1e-14)
