"""The memory guard: what a live graph uses is read-only, and only as long as the graph lives."""

import asyncio
import gc
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.core import guard

N = 4
ORDERS = list(itertools.permutations(range(3)))


def writeable(*arrays):
    return [x.flags.writeable for x in arrays]


def ones():
    return wg.tensor(np.ones(N))


@pytest.fixture(autouse=True)
def _nothing_stays_locked():
    yield
    gc.collect()
    assert not guard._locks
    assert not guard._kept


# Plain arrays

USES = {
    "multiply": lambda t, a: t * a,
    "multiplied": lambda t, a: a * t,
    "add": lambda t, a: t + a,
    "ufunc": lambda t, a: np.arctan2(t, a),
    "where": lambda t, a: np.where(t.data > 0, t, a),
    "concatenate": lambda t, a: np.concatenate([t, a]),
    "stack": lambda t, a: np.stack([a, t]),
    "dot": lambda t, a: np.dot(t, a),
    "einsum": lambda t, a: np.einsum("i,i->i", t, a),
    "constant": lambda t, a: wg.tensor(np.ones(N), constant=True) * a,
    "integers": lambda t, a: wg.tensor(np.ones(N, int)) * a,
    "nothing but arrays": lambda t, a: wg.add(a, a),
    "copy=False": lambda t, a: wg.tensor(a, copy=False) * 2.0,
    "copy=False, constant": lambda t, a: wg.tensor(a, copy=False, constant=True) * 2.0,
    "astensor": lambda t, a: wg.astensor(a) * 2.0,
    "out": lambda t, a: np.multiply(t, 2.0, out=a),
}


@pytest.mark.parametrize("end", ["del", "backward", "clear_graph"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_plain_array_is_read_only_while_a_graph_uses_it(use, end):
    a = np.ones(N)
    y = use(ones(), a)
    assert writeable(a) == [False]
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 5.0
    assert a[0] != 5.0
    if end == "del":
        del y
    elif end == "backward":
        y.backward()
    else:
        y.clear_graph()
    assert writeable(a) == [True]


def test_a_lock_goes_with_the_last_of_several_graphs():
    a = np.ones(N)
    graphs = [ones() * a, ones() + a, a - ones()]
    while graphs:
        assert writeable(a) == [False]
        graphs.pop(0)
    assert writeable(a) == [True]


def test_a_part_of_the_graph_that_lives_keeps_its_locks():
    a, b = np.ones(N), np.ones(N)
    y = ones() * a
    z = y * b
    del z
    assert writeable(a, b) == [False, True]
    z = y + 1.0
    del y
    assert writeable(a) == [False]
    del z
    assert writeable(a) == [True]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("release", ORDERS)
def test_bases_and_views_in_every_order(order, release):
    a = np.ones(6)
    v = a[1:5]
    arrays = [a, v, v[:2]]
    graphs = [None] * 3
    for i in order:
        graphs[i] = wg.tensor(np.ones(arrays[i].shape)) * arrays[i]
        assert writeable(arrays[i], a) == [False, False]
    for k, i in enumerate(release):
        graphs[i] = None
        assert not any(writeable(*[arrays[j] for j in release[k + 1 :]]))
    assert writeable(*arrays) == [True] * 3


def test_what_is_read_only_by_itself_stays_so():
    a = np.ones(N)
    a.setflags(write=False)
    v = a[1:]
    y, z = ones() * a, ones()[1:] * v
    del y, z
    assert writeable(a, v) == [False, False]
    wg.grad(lambda x: np.sum(x * a))(a)
    wg.value_and_grad(lambda x: np.sum(x * v))(v)
    wg.vjp(lambda x: x * a, a)
    assert writeable(a, v) == [False, False]


def test_a_broadcast_array_locks_what_it_shows():
    a = np.ones(N)
    v = np.broadcast_to(a, (2, N))
    y = ones() * v
    assert writeable(a) == [False]
    del y
    assert writeable(a, v) == [True, False]
    seen = []
    wg.grad(lambda x: seen.append(writeable(a)) or np.sum(x * x))(v)
    assert seen == [[False]]
    assert writeable(a, v) == [True, False]


def test_a_writeable_view_of_an_array_that_was_made_read_only():
    a = np.ones(N)
    v = a[1:]
    a.setflags(write=False)
    y = ones()[1:] * v
    assert writeable(v) == [False]
    del y
    assert writeable(v, a) == [True, False]
    wg.grad(lambda x: np.sum(x * x))(v)
    assert writeable(v, a) == [True, False]


def test_an_operation_that_fails_locks_nothing_though_the_error_is_kept():
    a, t, kept = np.ones(N), ones(), []
    for f in (
        lambda: t[:2] * a,
        lambda: a * t[:2],
        lambda: np.matmul(t[:2], a),
        lambda: np.concatenate([t.reshape(2, 2), a]),
        lambda: np.add(t, a, out=np.zeros(7)),
    ):
        with pytest.raises(ValueError, match=r"shape|dimension|core") as error:
            f()
        kept.append(error)
    assert writeable(a) == [True]


def test_garbage_cycles():
    class Cycle:
        pass

    a = np.ones(N)
    v = a[:2]
    c = Cycle()
    c.cycle, c.y, c.z = c, ones()[:2] * v, ones() * a
    del c
    assert writeable(a, v) == [False, False]
    gc.collect()
    assert writeable(a, v) == [True, True]


def test_an_array_that_is_gone():
    t = ones()
    for _ in range(50):  # so that memory, and with it an id, is used again
        y = t + np.ones(N)
        a = np.ones(N)
        a.setflags(write=False)
        z = t + a
        del y, z
        assert writeable(a) == [False]


# A tensor's own memory


def test_data_handed_out_before_its_use():
    x = ones()
    data = x.data
    assert writeable(data) == [True]
    y = x * x
    assert writeable(data, x.data) == [False, False]
    del y
    assert writeable(data, x.data) == [True, True]


@pytest.mark.parametrize("end", ["del", "backward"])
def test_data_handed_out_during_its_use(end):
    x = ones()
    y = x * x
    data, result = x.data, y.data
    assert writeable(data, result) == [False, False]
    if end == "backward":
        y.backward()
        np.testing.assert_array_equal(x.grad, 2.0)
    del y
    assert writeable(data, result) == [True, True]


def test_data_handed_out_after_its_use():
    x = ones()
    y = x * x
    y.backward()
    assert writeable(x.data, y.data) == [True, True]


@pytest.mark.parametrize(
    "hand_out", [np.asarray, lambda x: x.data, lambda x: np.asarray(x)[1:], lambda x: x.data.view()]
)
def test_data_in_whatever_way_it_is_handed_out(hand_out):
    x = ones()
    y = np.sum(x * x)
    data = hand_out(x)
    with pytest.raises(ValueError, match="read-only"):
        data[0] = 9.0
    y.backward()
    np.testing.assert_array_equal(x.grad, 2.0)


def test_views_and_their_base():
    x = ones()
    v = x[:3]
    u = v[::-1]
    arrays = [x.data, v.data, u.data]
    assert not any(writeable(*arrays))  # a live view alone locks its base
    y = u * u
    del u
    assert not any(writeable(*arrays))
    del y
    assert writeable(arrays[0], arrays[1]) == [False, False]
    del v
    assert writeable(*arrays) == [True] * 3


def test_out_is_the_result_and_locked():
    out = np.zeros(N)
    x = ones()
    y = np.multiply(x, 2.0, out=out)
    assert y.data is out
    z = y + 1.0
    del y
    assert writeable(out) == [False]
    z.backward()
    assert writeable(out) == [True]


def test_an_update_of_a_tensor_moves_away_from_a_locked_array():
    data = np.ones(N)
    x = wg.tensor(data, copy=False)
    y = np.sum(x * x)
    x[0] = 5.0
    np.testing.assert_array_equal(data, 1.0)
    assert writeable(data) == [False]
    assert np.sum(x).data == 8.0
    del y
    assert writeable(data) == [True]


# Transformations


@pytest.mark.parametrize("transform", [wg.grad, wg.value_and_grad])
def test_arguments_and_captured_arrays_are_locked_while_the_function_runs(transform):
    x, a, seen = np.ones(N), np.ones(N), []
    base = np.ones(2 * N)
    v = base[::2]

    def f(x_, v_):
        y = np.sum(x_ * a * v_)
        seen.extend(writeable(x, a, v, base))
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 7.0
        return y

    transform(f, (0, 1))(x, v)
    assert seen == [False] * 4
    assert writeable(x, a, v, base) == [True] * 4


def test_a_captured_array_overwritten_after_its_use():
    a = np.ones(N)

    def f(x):
        y = np.sum(x * a)
        a[0] = 7.0
        return y

    for run in (wg.grad(f), lambda x: wg.vjp(f, x)):
        with pytest.raises(ValueError, match="read-only") as error:
            run(np.ones(N))
        np.testing.assert_array_equal(a, 1.0)
        assert writeable(a) == [True]
        del error


def test_a_pullback_keeps_its_locks():
    a = np.ones(N)
    _, pullback = wg.vjp(lambda x: x * a, np.ones(N))
    assert writeable(a) == [False]
    np.testing.assert_array_equal(pullback(np.ones(N)), 1.0)
    assert writeable(a) == [False]
    del pullback
    assert writeable(a) == [True]


def test_forward_mode_locks_nothing():
    a, x, seen = np.ones(N), np.ones(N), []
    wg.jvp(lambda z: seen.append(writeable(a, x)) or np.sum(z * a), (x,), (x,))
    assert seen == [[True, True]]


def test_an_exception_in_a_function_releases_all_though_it_is_kept():
    x, a = np.ones(N), np.ones(N)

    def f(x):
        y = x * a
        raise RuntimeError(y)

    with pytest.raises(RuntimeError) as error:
        wg.grad(f)(x)
    assert writeable(x, a) == [True, True]
    with pytest.raises(RuntimeError) as error:
        wg.vjp(f, x)
    assert writeable(x, a) == [True, True]
    del error


def test_nested_transformations():
    x, a, seen = np.ones(N), np.ones(N), []

    def outer(x_):
        inner = wg.grad(lambda z: np.sum(z * z * a))
        y = np.sum(inner(x_))
        seen.append(writeable(x, a))
        inner(x)
        seen.append(writeable(x, a))
        return y

    wg.grad(outer)(x)
    assert seen == [[False, False], [False, False]]
    assert writeable(x, a) == [True, True]
    for run in (
        lambda: wg.hessian(lambda z: np.sum(z * z * a))(x),
        lambda: wg.hvp(lambda z: np.sum(z * z * a), (x,), (x,)),
    ):
        run()
        assert writeable(x, a) == [True, True]


def test_an_argument_that_a_graph_made_inside_keeps():
    x, t, kept = np.ones(N), ones(), []

    def f(x_):
        kept.append(np.sum(t * x))
        return np.sum(x_)

    wg.grad(f)(x)
    assert writeable(x) == [False]
    kept.pop().backward()
    np.testing.assert_array_equal(t.grad, 1.0)
    assert writeable(x) == [True]


def test_a_view_of_what_a_graph_uses_as_an_argument():
    a, seen = np.ones(N), []
    v = a[:2]
    y = ones() * a
    wg.grad(lambda x: seen.append(writeable(v)) or np.sum(x))(v)
    assert seen == [[False]]
    del y
    assert writeable(a, v) == [True, True]


def test_a_graph_that_ends_while_a_transformation_uses_its_array():
    a, seen = np.ones(N), []
    graphs = [ones() * a]

    def f(x):
        graphs.clear()
        seen.extend(writeable(a))
        return np.sum(x)

    wg.grad(f)(a)
    assert seen == [False]
    assert writeable(a) == [True]


def test_tensors_over_frozen_arguments():
    x, kept = np.ones(N), []

    def f(x_):
        t = wg.tensor(x, copy=False, constant=True)
        kept.append(t[1:].data)
        t[0] = 5.0  # to memory of its own
        return np.sum(x_ * t)

    np.testing.assert_array_equal(wg.grad(f)(x), [5.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(x, 1.0)
    assert writeable(x, *kept) == [True, True]


# Threads


@pytest.fixture
def hasty_threads():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(f, number):
    errors = []

    def run():
        try:
            f()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_share_an_array():
    a, v = np.ones(N), np.ones(2 * N)[::2]

    def run():
        t = ones()
        for _ in range(300):
            y, z = t * a, t + v
            assert writeable(a, v, v.base) == [False] * 3
            del y, z
            wg.grad(lambda x: np.sum(x * v))(a)

    in_threads(run, 4)
    assert writeable(a, v, v.base) == [True] * 3


def test_transformations_in_two_threads_that_overlap():
    a, seen = np.ones(N), []
    started, may_end = threading.Event(), threading.Event()

    def slow(x):
        started.set()
        may_end.wait(10)
        seen.extend(writeable(a))
        return np.sum(x)

    thread = threading.Thread(target=lambda: wg.grad(slow)(a))

    def quick(x):
        thread.start()
        started.wait(10)
        return np.sum(x)

    wg.grad(quick)(a)
    assert writeable(a) == [False]
    may_end.set()
    thread.join()
    assert seen == [False]
    assert writeable(a) == [True]


# The switches


def locks():
    """Whether an operation locks what it uses here."""
    a = np.ones(N)
    y = ones() * a
    x = ones()
    z = x * x
    found = not a.flags.writeable
    assert x.data.flags.writeable is not found
    assert wg.mem_guard_active() is found
    del y, z
    return found


def test_contexts_nest():
    assert locks()
    with wg.mem_guard_off:
        assert not locks()
        with wg.mem_guard_on:
            assert locks()
            with wg.mem_guard_off, wg.mem_guard_off:
                assert not locks()
            assert locks()
        assert not locks()
    assert locks()


def test_contexts_decorate():
    assert not wg.mem_guard_off(locks)()
    assert wg.mem_guard_off(wg.mem_guard_on(locks))()
    assert wg.mem_guard_off(locks).__name__ == "locks"
    assert locks()


@pytest.mark.parametrize("switch", [wg.mem_guard_off, wg.mem_guard_on])
def test_contexts_restore_on_exceptions(switch):
    def fail():
        with switch:
            raise RuntimeError

    for outer in (wg.mem_guard_off, wg.mem_guard_on):
        with outer:
            before = locks()
            for function in (fail, switch(fail)):
                with pytest.raises(RuntimeError):
                    function()
                assert locks() is before
    assert locks()


def test_the_guard_is_off_for_the_whole_process_except_where_it_is_on():
    wg.turn_memory_guarding_off()
    try:
        assert not locks()
        with wg.mem_guard_on:
            assert locks()
        in_threads(lambda: [None][locks()], 1)
    finally:
        wg.turn_memory_guarding_on()
    wg.turn_memory_guarding_on()
    with wg.mem_guard_off:
        assert not locks()
    assert locks()


def test_mem_guard_off_adds_no_locks_and_keeps_those_that_are():
    a, b, x = np.ones(N), np.ones(N), ones()
    y = x * a
    with wg.mem_guard_off:
        z = y * a + b
        assert writeable(a, b) == [False, True]
    assert writeable(a, b) == [False, True]
    del y, z
    assert writeable(a) == [True]
    with wg.mem_guard_off:
        wg.grad(lambda x_: np.sum(x_ * b) if writeable(a, b) == [True, True] else None)(a)
        t = ones()
        y = t * t
    assert writeable(t.data) == [True]
    y.backward()


def test_another_threads_switch_is_none_of_ours():
    off, end = threading.Event(), threading.Event()

    def other():
        with wg.mem_guard_off:
            off.set()
            end.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    off.wait(10)
    assert locks()
    x = ones()
    y = x * x
    end.set()
    thread.join()
    assert writeable(x.data) == [False]
    del y


def test_each_task_has_its_own_switches():
    seen = []

    async def off():
        with wg.mem_guard_off:
            await asyncio.sleep(0.002)
            seen.append(locks())

    async def on():
        await asyncio.sleep(0.001)
        seen.append(locks())

    @wg.mem_guard_off
    async def decorated():
        await asyncio.sleep(0.003)
        seen.append(locks())

    async def main():
        await asyncio.gather(off(), on(), decorated())

    asyncio.run(main())
    assert seen == [True, False, False]


@pytest.mark.parametrize(
    ("setting", "active"), [("0", False), ("off", False), ("False", False), ("1", True), ("", True)]
)
def test_the_environment_variable(setting, active):
    code = "import wengert as wg; print(wg.mem_guard_active()); x = wg.tensor(1.0); y = x * x"
    source = str(Path(wg.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "WENGERT_MEM_GUARD": setting, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(active)
    assert not done.stderr


def test_a_graph_that_lives_until_the_interpreter_ends_says_nothing():
    code = (
        "import numpy as np, wengert as wg\n"
        "a = np.ones(3); v = a[1:]; y = wg.tensor(np.ones(3)) * a; z = y[1:] * v\n"
        "class C: pass\n"
        "c = C(); c.c = c; c.y = y * a; np.kept = z\n"
    )
    source = str(Path(wg.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert not done.stderr


def test_windows_that_numpy_makes_read_only_stay_so():
    a = np.ones((3, 3))
    x = wg.tensor(a, copy=False)
    windows = wg.sliding_window_view(x, (2,), 1)
    shown = windows.data
    del x, windows
    assert a.flags.writeable
    assert not shown.flags.writeable
