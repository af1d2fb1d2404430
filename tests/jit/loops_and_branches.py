"""Functions with loops and branches in them, of a vector and a matrix."""

from dataclasses import dataclass

import numpy as np

import wengert as wg
from wengert.core.trees import flatten

__all__ = ["FUNCTIONS", "V", "X", "agree", "loss_of"]

V, X = np.random.default_rng(0).normal(size=3), np.random.default_rng(1).normal(size=(4, 3))


@dataclass
class State:
    h: object
    count: object


def rnn(v, x):
    def step(h, row):
        h = np.tanh(np.outer(v, v) @ h + row)
        return h, np.sum(h**2)

    return wg.scan(step, v, x)


def backwards(v, x):
    return wg.scan(lambda c, r: (np.sin(c) * r, c), v, x, reverse=True)


def trees(v, x):
    def step(s, row):
        return State(s.h * row["a"] + v, s.count + 1), (s.h, {"n": s.count})

    s, ys = wg.scan(step, State(v, 0), {"a": x, "b": np.arange(len(x))})
    return s.h * s.count, ys


def nested(v, x):
    def outer(c, row):
        def inner(d, e):
            d = d * np.cos(e) + np.sum(c)
            return d, d * e

        d, ys = wg.scan(inner, c[0], row)
        return c * 0.5 + ys, d

    return wg.scan(outer, v, x)


def cond_in_scan(v, x):
    def step(c, row):
        c = wg.cond(np.sum(row) > 0, lambda c: np.sqrt(np.abs(c)) * row, lambda c: c * 2 + v, c)
        return c, np.max(c)

    return wg.scan(step, np.zeros(3) + v, x)


def scan_in_cond(v, x):
    return wg.cond(v[0] > 0, lambda v: wg.scan(lambda c, r: (c * r, c), v, x)[0], lambda v: np.sum(x) * v, v)


def scan_in_other_branch(v, x):
    return scan_in_cond(-v, x)


def loops_in_branches_in_loops(v, x):
    def step(c, row):
        def body(i, d):
            return wg.cond(
                d[0] > 0,
                lambda d: wg.scan(lambda e, q: (e * q, e), d, x)[0] + c,
                lambda d: np.cos(d) * row[i],
                d,
            )

        return wg.fori_loop(0, 3, body, c), c

    return wg.scan(step, v, x)


def integer_carry(v, x):
    def step(c, row):
        i, t = c
        return (i + 1, t + x[i % 4, i % 3] * row[0]), i

    return wg.scan(step, (0, v[0]), x)


def counted(v, x):
    return wg.fori_loop(0, 4, lambda i, c: c + np.sin(x[i]) * i * c, v)


def updates(v, x):
    def step(c, row):
        c[1] = row[0] * c[0]
        row *= 2
        c += row
        return c, c

    return wg.scan(step, v, x)


def updates_at_traced_places(v, x):
    def body(i, c):
        c[i] = c[i - 1] * x[i, 0]
        return c

    return wg.fori_loop(1, 3, body, v)


def selections(v, x):
    def step(c, row):
        with np.errstate(invalid="ignore"):
            y = np.where(row > 0, np.sqrt(row), row * c)
        return y, y

    return wg.scan(step, v, x)


def python_number(v, x):
    return wg.scan(lambda c, r: (c + np.sum(r * v), c), 0.0, x)


def booleans(v, x):
    def step(c, row):
        flip, y = c
        return (np.logical_xor(flip, row[0] > 0), np.where(flip, y * row, y + row)), flip

    return wg.scan(step, (np.True_, v), x)[0][1]


def complex_carry(v, x):
    c, ys = wg.scan(lambda c, r: (c * np.exp(1j * r), np.real(c)), v + 0j, x)
    return np.abs(c) + ys


def mixed_precision(v, x):
    narrow = v.astype(np.float32)
    return wg.scan(lambda c, r: (np.tanh(c * np.sum(r)).astype(np.float32), r * np.sum(c)), narrow, x)


def no_rounds(v, x):
    return wg.scan(lambda c, r: (np.tanh(c * r), r), v, x[:0])


def one_round(v, x):
    return nested(v, x[:1])


def constant_carry(v, x):
    return wg.scan(lambda c, r: (np.ones(3), c * r), v, x)


def stopped(v, x):
    return wg.scan(lambda c, r: (c * r + wg.stop_gradient(c) ** 2, wg.stop_gradient(r) * c), v, x)


@wg.custom_gradient
def tripled(x):
    return np.sin(x), lambda g: 3 * g * x


def own_gradient(v, x):
    return wg.scan(lambda c, r: (tripled(c) * r, tripled(r)), v, x)


def same_in_all_rounds(v, x):
    return wg.scan(lambda c, r: (c + np.exp(v) * r, np.exp(v) @ c), v * 0, x)


def made_inside(v, x):
    def step(c, row):
        b = np.zeros(3)
        b[1] = 2.0
        return c * b + row, b

    return wg.scan(step, v, x)


FUNCTIONS = [
    rnn, backwards, trees, nested, cond_in_scan, scan_in_cond, scan_in_other_branch, loops_in_branches_in_loops,
    integer_carry, counted, updates, updates_at_traced_places, selections, python_number, booleans, complex_carry,
    mixed_precision, no_rounds, one_round, constant_carry, stopped, own_gradient, same_in_all_rounds, made_inside,
]  # fmt: skip


def loss_of(f):
    def loss(*args):
        return sum([np.sum(np.sin(y)) for y in flatten(f(*args))[0] if y.dtype.kind == "f"])

    return loss


def agree(found, expected, **tolerances):
    found, expected = flatten(found)[0], flatten(expected)[0]
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, **({"rtol": 1e-11, "atol": 1e-12} | tolerances))
