"""Loops of rounds (``wg.scan``) as part of native programs: run by the interpreter of programs, and natively."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.compiling import agrees, calls_of_numpy, executable, steps_of, traced, watched
from tests.jit.interpreted import interpreted
from wengert.compiler.backend import Native
from wengert.compiler.program import Alarm, Loop

rng = np.random.default_rng(7)


def arrays(*shapes, dtype=float):
    return [rng.normal(size=shape).astype(dtype) * 0.5 for shape in shapes]


def recurrent(scan):
    def loss(w, u, b, h, x):
        def step(h, row):
            h = np.tanh(row @ u + h @ w + b)
            return h, h

        h, hs = scan(step, h, x)
        return np.sum(h * h) + np.sum(np.sin(hs))

    return loss


def unrolled(step, carry, rows, reverse=False):
    """What ``wg.scan`` gives, for one array of rows and one of results."""
    order = range(len(rows))
    found = [None] * len(rows)
    for i in reversed(order) if reverse else order:
        carry, found[i] = step(carry, rows[i])
    return carry, np.stack(found)


def all_native(f, *args, **tolerances):
    """``f`` computes the same by loops without NumPy, in the interpreter and natively; the executable."""
    made = agrees(f, *args, **tolerances)
    assert calls_of_numpy(made) == []
    assert any([isinstance(step, Loop) for step in steps_of(made)])
    return agrees(f, *args, link=Native, **tolerances)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recurrent_network(batch, dtype):
    args = arrays((4, 4), (3, 4), (4,), (batch, 4), (6, batch, 3), dtype=dtype)
    tolerances = {"rtol": 2e-5, "atol": 1e-5} if dtype == np.float32 else {}
    all_native(recurrent(wg.scan), *args, **tolerances)

    def both(scan):
        return lambda *args: wg.value_and_grad(lambda p: recurrent(scan)(*p))(list(args))

    made = all_native(both(wg.scan), *args, **tolerances)
    other, _ = executable(both(unrolled), *args, link=Native)
    for y, z in zip(made(traced(both(wg.scan), *args)[1]), other(traced(both(unrolled), *args)[1]), strict=True):
        np.testing.assert_allclose(y, z, rtol=2e-4 if dtype == np.float32 else 1e-11, atol=1e-5)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_rounds(count, reverse):
    def f(x, rows):
        def step(carry, row):
            a, b = carry
            return (a * row[0] + b, np.sin(a) + row[1]), (a - b, row * a)

        (a, b), (c, d) = wg.scan(step, (x, x * 2.0), rows, reverse=reverse)
        return np.sum(a * b) + np.sum(np.cos(c)) + np.sum(d[:, 0] * d[:, 1])

    x, rows = rng.normal(size=()), rng.normal(size=(count, 2))
    for g in (f, wg.value_and_grad(f), wg.grad(f, 1)):
        made = agrees(g, np.asarray(x), rows)
        assert calls_of_numpy(made) == []
        agrees(g, np.asarray(x), rows, link=Native)


def test_carries_that_change_places():
    def f(a, b, rows):
        def step(carry, row):
            a, b, c = carry
            return (b, a, c), row + a

        return wg.scan(step, (a, b, a + b), rows)

    for shape in ((3,), ()):
        all_native(f, *arrays(shape, shape, (5, *shape)))


def test_carries_that_nobody_asks_for_later():
    def f(a, rows):
        def step(carry, row):
            a, n = carry
            return (a * row, n + 1), np.exp(a)

        return wg.scan(step, (a, 0), rows)[1]

    all_native(f, *arrays((3,), (5, 3)))


def test_rows_that_lie_apart():
    """Parts of arrays, transposed, and with one row for all rounds."""

    def f(a, x):
        def step(a, row):
            left, right, same, turned, number = row
            return np.tanh(a + left * right + same - turned) * number, np.sum(a)

        rows = (x[1:], x[::-1][:4], np.broadcast_to(x[0], (4, 3)), x[:3, :].T.copy().T[:, :].repeat(2, 0)[:4], x[1:, 2])
        return wg.scan(step, a, rows)

    all_native(f, *arrays((3,), (5, 3)))


def test_whole_numbers_and_truths():
    def f(x, k):
        def step(carry, row):
            n, seen, total = carry
            seen = np.logical_or(seen, row > 1.0)
            return (n + 2, seen, total + row * n), (n, seen, total)

        return wg.scan(step, (k, np.bool_(False), x[0]), x)

    all_native(f, rng.normal(size=6) * 2, np.array(3))


def test_loops_in_loops():
    def f(w, x):
        def inner(h, row):
            h = np.tanh(h * row + w)
            return h, h * 2.0

        def outer(h, rows):
            h, made = wg.scan(inner, h, rows, reverse=True)
            return h + np.sum(made), made

        h, made = wg.scan(outer, np.zeros(2), x)
        return np.sum(h) + np.sum(made**2)

    args = arrays((2,), (4, 3, 2))
    all_native(f, *args)
    all_native(wg.value_and_grad(f), *args)
    all_native(lambda *p: wg.grad(lambda q: f(*q))(list(p)), *args)


def test_second_derivatives():
    def f(x, rows):
        return np.sum(wg.scan(lambda c, row: (np.sin(c * row), c * c), x, rows)[1])

    x, rows = arrays((2,), (4, 2))
    all_native(lambda x, rows: wg.grad(lambda x: np.sum(wg.grad(f)(x, rows) ** 2))(x), x, rows)
    all_native(lambda x, rows: wg.jvp(wg.grad(lambda x: f(x, rows)), (x,), (x,)), x, rows)


def test_examples_and_every_derivative():
    """Batches, tangents, Jacobians of gradients; and a loop that counts."""

    def f(x, w):
        return np.sum(wg.scan(lambda c, row: (np.tanh(c @ w + row), c), x[0], x)[0])

    x, w = arrays((3, 5, 4), (4, 4))
    all_native(lambda x, w: wg.vmap(wg.grad(f), (0, None))(x, w), x, w)
    all_native(lambda x, w: wg.jvp(lambda w: f(x[0], w), (w,), (w,)), x, w)
    all_native(lambda x, w: wg.hessian(lambda w: f(x[0], w))(w), x, w, rtol=1e-10)

    def power(x):
        return wg.fori_loop(0, 5, lambda i, c: c * x + i * 0.5, x)

    single = np.float32([0.5, 0.25])
    all_native(lambda x: power(x) + x, single, rtol=1e-6)
    all_native(wg.value_and_grad(lambda x: np.sum(power(x))), single, rtol=1e-6)


def test_updates_and_joins_in_a_body():
    def f(a, x):
        def step(a, row):
            a = np.concatenate([a[1:], row[:1]])
            b = np.stack([a, a * row])
            b[0, 1] = row[2]
            b[:, 2] += 1.0
            return a, b

        a, b = wg.scan(step, a, x)
        return np.sum(a) + np.sum(np.sin(b))

    args = arrays((3,), (4, 3))
    all_native(f, *args)
    all_native(wg.value_and_grad(f), *args)


def test_positions():
    """An element of a table each round; a position that there is not raises."""

    def f(table, k):
        def step(total, i):
            return total + table[i] * total[0], np.sum(table[i])

        total, sums = wg.scan(step, table[0], k)
        return np.sum(total) + np.sum(sums**2)

    table, k = rng.normal(size=(4, 3)), np.array([0, 3, -1, 1, 1])
    all_native(f, table, k)
    all_native(wg.value_and_grad(f), table, k)
    made = all_native(f, table, k)
    with pytest.raises(IndexError):
        made([table, np.array([0, 1, 4, 0, 0])])
    interpreter, _ = executable(f, table, k)
    with pytest.raises(IndexError):
        interpreter([table, np.array([0, 1, 4, 0, 0])])


@pytest.mark.parametrize("link", [interpreted, Native])
def test_a_derivative_without_a_value_is_noticed(link):
    """A NaN behind an operation that selects, in the loop that goes back, sounds the program's alarm."""

    def f(x, rows):
        def step(c, row):
            return c + np.sum(np.where(row > 0, np.sqrt(row) * x, 0.0)), np.max(row * x)

        c, ys = wg.scan(step, x[0], rows)
        return c + np.sum(ys)

    x, rows = np.array([1.0, 2.0, 3.0]), np.abs(rng.normal(size=(4, 3)))
    made, given = watched(wg.grad(f), x, rows, link=link)
    assert calls_of_numpy(made) == []
    np.testing.assert_allclose(made(given)[0], wg.grad(f)(x, rows))
    given[1][1, 2] = np.nan
    with pytest.raises(Alarm):
        made(given)


def test_a_loop_that_numpy_has_to_compute():
    """What kernels don't compute leaves the whole loop to NumPy."""

    def f(x):
        return wg.scan(lambda c, row: (np.sort(c + row), c), x[0], x)

    made = agrees(f, *arrays((4, 3)))
    assert calls_of_numpy(made) == ["loop"]


def test_text_of_graphs_shows_bodies():
    made, _ = executable(recurrent(wg.scan), *arrays((4, 4), (3, 4), (4,), (2, 4), (6, 2, 3)))
    text = str(made.graph)
    assert "loop 6 rounds" in text
    assert "    %" in text
    assert "tanh" in text


def test_jitted_functions():
    """By way of ``wg.jit``: values, gradients, and a carry that is a Python number at first."""
    args = arrays((4, 4), (3, 4), (4,), (2, 4), (6, 2, 3))
    loss = recurrent(wg.scan)
    value, gradient = wg.jit(wg.value_and_grad(loss))(*args)
    expected, other = wg.value_and_grad(loss)(*args)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(gradient, other)

    def power(x):
        return wg.scan(lambda c, _: (c * x + 1.0, c), 1.0, None, length=5)[0]

    x = np.float32(0.5)
    made = wg.jit(power)(x)
    assert made.dtype == power(x).dtype
    np.testing.assert_allclose(made, power(x))
    assert "loop" in [step.kind for step in wg.jit(loss).explain(*args).steps]
