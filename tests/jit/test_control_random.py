"""Random loops: bodies of random operations, nested at random, against the same functions run untraced."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.loops_and_branches import agree

N = 3


def scaled(a, b, w):
    return np.tanh(w @ a) * b


def chosen(a, b, w):
    return np.where(a > b, np.sin(a), 0.5 * b)


def branched(a, b, w):
    return wg.cond(np.sum(a) > 0, lambda a: np.cos(a) - w[0], lambda a: a * b, a)


def written(a, b, w):
    a = a + 0.0 * (b + w[0])
    a[1:] = b[:-1] * w[1, 1]
    return a


def counted(a, b, w):
    return wg.fori_loop(0, 2, lambda i, c: np.sin(c) + a[i] * w[i], b)


def scanned(a, b, w):
    c, ys = wg.scan(lambda c, row: (np.cos(c) + row * a, c * b), b, w, reverse=True)
    return c + np.sum(ys, axis=0)


def sorted_out(a, b, w):
    return np.sort(a)[::-1] + np.cumsum(b) / N


OPERATIONS = [scaled, chosen, branched, written, counted, scanned, sorted_out, lambda a, b, w: a + b * 0.3]


def random_program(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 4))
    steps = [
        (int(rng.integers(len(OPERATIONS))), *rng.integers(0, count + 1, 2), int(rng.integers(count)))
        for _ in range(int(rng.integers(2, 6)))
    ]
    kept = int(rng.integers(count))
    reverse = bool(rng.integers(2))

    def program(start, xs, w):
        def body(carry, x):
            values = [*carry["a"], x]
            for op, i, j, k in steps:
                values[k] = np.tanh(OPERATIONS[op](values[i], values[j], w))
            return {"a": values[:-1], "n": carry["n"] + 1}, {"y": values[kept] * x, "n": carry["n"]}

        carry, ys = wg.scan(body, {"a": [start * (i + 1.0) for i in range(count)], "n": 0}, xs, reverse=reverse)
        return (
            sum([np.sum(a) for a in carry["a"]]) * carry["n"]
            + np.sum(np.sin(ys["y"]) * (1.0 + ys["n"][:, None]))
            + 0.0 * np.sum(w)
        )

    return program, (rng.normal(size=N), rng.normal(size=(4, N)), rng.normal(size=(N, N)))


@pytest.mark.parametrize("seed", range(25))
def test_random_loops(seed):
    f, args = random_program(seed)
    agree(wg.jit(f)(*args), f(*args))
    everything = (0, 1, 2)
    expected = wg.grad(f, everything)(*args)
    agree(wg.jit(wg.grad(f, everything))(*args), expected)
    agree(wg.grad(wg.jit(f), everything)(*args), expected)
    agree(wg.jit(lambda *a: wg.jvp(f, a, a))(*args), wg.jvp(f, args, args))
    agree(wg.jit(lambda *a: wg.hvp(f, a, a))(*args), wg.hvp(f, args, args), rtol=1e-9, atol=1e-10)
    starts = np.stack([args[0], -args[0]])
    expected = [wg.grad(f, 2)(s, *args[1:]) for s in starts]
    agree(wg.jit(wg.vmap(wg.grad(f, 2), (0, None, None)))(starts, *args[1:]), np.stack(expected))
