"""What a graph costs, and when it is freed: counted in objects and bytes, never by the clock."""

import contextlib
import gc
import sys
import tracemalloc
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.core.tape import Node

N = 1000


@pytest.fixture(autouse=True)
def _without_the_cycle_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def peak_of(f):
    """The most bytes that were allocated at one time while ``f`` ran."""
    f()
    tracemalloc.start()
    try:
        f()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def nodes_alive():
    """How many nodes there are (they take no weak references)."""
    return sum(type(o) is Node for o in gc.get_objects())


def test_saved_arrays_die_right_after_backward():
    x = wg.tensor(np.ones(3))
    y = np.sin(x)
    z = np.sum(y * y)
    saved = [weakref.ref(y.data)]
    del y
    assert saved[0]() is not None
    z.backward()
    assert saved[0]() is None


def test_saved_arrays_die_when_the_graph_is_dropped():
    x = wg.tensor(np.ones(3))
    y = np.sin(x)
    z = np.sum(y * y)
    saved = weakref.ref(y.data)
    del y
    assert saved() is not None
    del z
    assert saved() is None


def test_tensors_die_when_dropped():
    x = wg.tensor(np.ones(3))
    y = x * x
    z = y + 1.0
    refs = [weakref.ref(t) for t in (x, y, z)]
    del x, y, z
    assert [r() for r in refs] == [None, None, None]


@pytest.mark.parametrize("drop", ["backward", "del"])
def test_no_node_outlives_its_graph(drop):
    def make():
        x = wg.tensor(np.ones(5))
        y = x
        for _ in range(10):
            y = np.tanh(y * 2.0) + y[::-1]
        y[1:3] = 2.0 * y[2:4]
        z = np.sum(y)
        if drop == "backward":
            z.backward()

    make()
    before = nodes_alive()
    for _ in range(5):
        make()
    assert nodes_alive() == before


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: wg.grad(f)(x),
        lambda f, x: wg.jvp(f, (x,), (x,)),
        lambda f, x: wg.hvp(f, (x,), (x,)),
        lambda f, x: wg.hessian(f)(x),
        lambda f, x: wg.grad(lambda x: np.sum(wg.grad(f)(x)))(x),
        lambda f, x: wg.vjp(f, x)[1](1.0),
    ],
    ids=["grad", "jvp", "hvp", "hessian", "grad of grad", "vjp"],
)
def test_transformations_leave_no_cycles(run):
    def f(x):
        y = np.sin(x) * x
        y[0] = y[1] * 2.0
        return np.sum(y * y[::-1])

    run(f, np.ones(3))
    gc.collect()
    gc.disable()
    run(f, np.ones(3))
    assert gc.collect() == 0


def test_an_exception_inside_a_transformation_frees_the_graph():
    kept = []

    def f(x):
        y = np.sin(x)
        kept.append(weakref.ref(y))
        z = y * y
        raise RuntimeError(str(z.shape))

    with contextlib.suppress(RuntimeError):  # pytest.raises would keep the traceback, and so the frames, alive
        wg.grad(f)(np.ones(3))
    assert kept[0]() is None


def test_operations_keep_only_what_their_rules_need():
    x = wg.tensor(np.ones(3))
    y = x * 2.0
    z = y + 1.0
    dead = weakref.ref(y.data)
    del y
    assert dead() is None
    z.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0, 2.0])


def test_a_chain_of_a_million_operations():
    assert sys.getrecursionlimit() < 10_000
    x = wg.tensor(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1.0
    del x, y


def test_a_chain_of_a_million_operations_is_freed_without_backward():
    x = wg.tensor(1.0)
    y = x
    for _ in range(1_000_000):
        y = -y
    del y
    gc.collect()
    (x * 2.0).backward()
    assert x.grad == 2.0


def test_a_long_chain_of_updates_in_place():
    x = wg.tensor(np.ones(3))
    y = x * 1.0
    for _ in range(20_000):
        y[0] += 1.0
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0, 1.0])


def test_a_long_chain_in_forward_mode():
    def f(x):
        for _ in range(20_000):
            x = x + 1.0
        return x

    assert wg.jvp(f, (1.0,), (2.0,))[1] == 2.0


@pytest.mark.parametrize(
    "read", [lambda x, i: x[i], lambda x, i: x[i : i + 1], lambda x, i: x[[i]]], ids=["number", "slice", "list"]
)
def test_indexed_reads_cost_what_they_read(read):
    """The gradient by an array of 8 N² bytes through N reads: a buffer or two, not N of them."""
    size = N * N
    x = np.zeros(size)

    def total(x):
        y = 0.0
        for i in range(N):
            y = y + np.sum(read(x, 7 * i))
        return y

    peak = peak_of(lambda: wg.grad(total)(x))
    assert peak < 3 * x.nbytes + 5_000 * N
    gradient = wg.grad(total)(x)
    assert gradient.sum() == N
    assert gradient[7] == 1.0


def test_indexed_reads_take_one_buffer_in_number():
    """Allocations as large as the array: not one more for a hundred reads than for ten."""

    def large_allocations(reads):
        x = wg.tensor(np.zeros(100_000))
        y = sum([x[i] for i in range(reads)])
        seen = []
        zeros = np.zeros

        def counting(shape, *args, **kwargs):
            seen.append(np.prod(shape))
            return zeros(shape, *args, **kwargs)

        np.zeros = counting
        try:
            y.backward()
        finally:
            np.zeros = zeros
        assert x.grad.sum() == reads
        return sum(size >= 100_000 for size in seen)

    assert large_allocations(100) == large_allocations(10) == 1


class TenMatrices(NamedTuple):
    a: object
    b: object
    c: object
    d: object
    e: object
    f: object
    g: object
    h: object
    i: object
    j: object


def test_unused_fields_cost_their_own_zeros_alone():
    """Two of ten matrices are used, each twice: ten gradients and a few temporaries of the used ones."""
    record = TenMatrices(*[np.ones((N, 100)) for _ in range(10)])
    size = record.a.nbytes

    def loss(r):
        return np.sum(r.a * r.b) + np.sum(r.a) + np.sum(r.b)

    peak = peak_of(lambda: wg.grad(loss)(record))
    assert peak < (10 + 4) * size
    gradient = wg.grad(loss)(record)
    np.testing.assert_array_equal(gradient.a, record.b + 1.0)
    np.testing.assert_array_equal(gradient.j, np.zeros((N, 100)))


def test_fields_used_one_by_one_cost_no_structure_of_zeros():
    record = TenMatrices(*[np.ones((N, 100)) for _ in range(10)])
    size = record.a.nbytes

    def loss(r):
        return sum(np.sum(m) for m in r)

    assert peak_of(lambda: wg.grad(loss)(record)) < (10 + 2) * size


def test_a_chain_of_additions_keeps_no_arrays():
    x = np.ones((N, 100))

    def f(x):
        for _ in range(50):
            x = x + 1.0
        return np.sum(x)

    assert peak_of(lambda: wg.grad(f)(x)) < 5 * x.nbytes


def test_evaluation_on_plain_arrays_makes_no_nodes():
    before = nodes_alive()
    x = np.ones(3)
    y = np.sum(np.sin(x) * x)
    assert type(y) is np.float64
    assert nodes_alive() == before
