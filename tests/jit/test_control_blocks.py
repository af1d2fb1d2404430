"""Loops and branches in traced functions: what is recorded of them, while loops, errors."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.loops_and_branches import V, X, agree, cond_in_scan, loss_of, same_in_all_rounds
from wengert.compiler.blocks import Block
from wengert.compiler.graph import live_values
from wengert.errors import InputError, OutputError, TraceError, UnsupportedFunction

# What is recorded


def blocks_of(jitted):
    graph = next(iter(jitted._forms.values()))[0].graph
    live = live_values(graph)
    values = [v for v in graph.values if v.number in live and v.prim == "apply"]
    return [v.attrs.params["call"].block for v in values if "call" in v.attrs.params]


def test_the_body_is_traced_once_and_pulled_back_by_a_loop():
    rounds = []

    def f(v, x):
        def step(c, row):
            rounds.append(1)
            return np.tanh(c * row), c

        return np.sum(wg.scan(step, v, x)[1])

    jitted = wg.jit(wg.grad(f))
    jitted(V, np.ones((1000, 3)))
    assert len(rounds) == 1
    forward, backward = blocks_of(jitted)
    assert isinstance(forward, Block)
    assert (forward.name, backward.name) == ("loop", "loop")
    assert (forward.reverse, backward.reverse) == (False, True)
    assert len(jitted._forms[next(iter(jitted._forms))][0].graph.values) < 50


def test_residuals_that_are_results_or_arguments_are_not_kept_twice():
    def f(v, x):
        def step(h, row):
            h = np.tanh(h) * row
            return h, h

        return np.sum(wg.scan(step, v, x)[1] ** 2)

    jitted = wg.jit(wg.grad(f))
    jitted(V, X)
    forward, _ = blocks_of(jitted)
    kinds = forward.packing.kinds
    assert len(kinds) <= 2 + 2  # carry and result; of the rest tanh(h), and 1 - tanh(h)**2


def test_what_is_the_same_in_all_rounds_is_computed_once():
    jitted = wg.jit(same_in_all_rounds)
    jitted(V, X)
    (loop,) = blocks_of(jitted)
    assert "exp" not in [v.attrs.op.name for v in loop.body.values if v.prim == "apply"]


def test_only_the_branch_that_is_asked_for_runs():
    ran = []

    @wg.custom_gradient
    def noted(x):
        ran.append(x)
        return x * 2.0, lambda g: 2.0 * g

    f = wg.jit(lambda x: wg.cond(x > 0, noted, np.negative, x))
    f(1.0)
    ran.clear()
    assert f(-3.0) == 3.0
    assert not ran
    assert f(3.0) == 6.0
    assert len(ran) == 1


def test_arrays_found_outside_are_read_anew():
    scale = np.array([1.0, 2.0, 3.0])
    f = wg.jit(lambda v: wg.scan(lambda c, _: (c * scale, None), v, length=2)[0])
    np.testing.assert_allclose(f(V), V * scale**2)
    scale[0] = 5.0
    np.testing.assert_allclose(f(V), V * scale**2)


def test_tensors_found_outside_get_gradients():
    w = wg.tensor(V)
    f = wg.jit(lambda x: np.sum(wg.scan(lambda c, r: (c * w + r, None), x[0], x)[0]))
    f(X).backward()
    expected = wg.grad(lambda w: np.sum(wg.scan(lambda c, r: (c * w + r, None), X[0], X)[0]))(V)
    np.testing.assert_allclose(w.grad, expected)


def test_unselected_elements_add_nothing_where_the_untraced_function_says_so():
    def f(x):
        def step(c, row):
            g = wg.grad(lambda z: np.sum(np.where(z > 0, np.sqrt(z), z * row)))(c)
            return c * 0.9 + 0.1 * g, g

        return wg.scan(step, x, X)

    start = np.array([0.0, 1.0, -1.0])
    with np.errstate(invalid="ignore"):
        agree(wg.jit(f)(start), f(start))
        agree(wg.jit(wg.grad(loss_of(f)))(start), wg.grad(loss_of(f))(start))


def test_tensors_of_a_transformation_found_outside_get_gradients():
    f = lambda w: np.sum(wg.jit(lambda x: wg.scan(lambda c, r: (c * w + r, None), x[0], x)[0])(X))  # noqa: E731
    g = lambda w: np.sum(wg.scan(lambda c, r: (c * w + r, None), X[0], X)[0])  # noqa: E731
    agree(wg.grad(f)(V), wg.grad(g)(V))
    agree(wg.hvp(f, (V,), (V,)), wg.hvp(g, (V,), (V,)))


def test_in_debug_mode():
    with wg.debug():
        jitted = wg.jit(wg.grad(loss_of(cond_in_scan)))
        for _ in range(2):
            agree(jitted(V, X), wg.grad(loss_of(cond_in_scan))(V, X))


def test_batches_along_other_axes_and_of_batches_and_of_none():
    f = lambda v, x: wg.scan(lambda c, r: (np.tanh(c * r), (c, 1)), v, x)  # noqa: E731
    xs = np.random.default_rng(2).normal(size=(4, 7, 3))
    agree(wg.jit(wg.vmap(f, (None, 1)))(V, xs), wg.vmap(f, (None, 1))(V, xs))
    g = wg.vmap(wg.vmap(wg.grad(lambda v: np.sum(f(v, X)[0]))))
    agree(wg.jit(g)(xs), g(xs))
    assert wg.jit(wg.vmap(lambda v: f(v, X)[0]))(np.zeros((0, 3))).shape == (0, 3)


# while_loop


def growing(a):
    def body(s):
        return s[0] * a + 1, s[1] + np.abs(s[0])

    return wg.while_loop(lambda s: s[1] < 3, body, (a, a * 0))


def test_while_loop():
    agree(wg.jit(growing)(0.7), growing(0.7))
    expected = wg.jvp(growing, (0.7,), (1.0,))
    agree(wg.jit(lambda a: wg.jvp(growing, (a,), (1.0,)))(0.7), expected)
    agree(wg.jvp(wg.jit(growing), (0.7,), (1.0,)), expected)
    second = lambda a: wg.jvp(lambda a: wg.jvp(growing, (a,), (1.0,))[1], (a,), (1.0,))  # noqa: E731
    agree(wg.jit(second)(0.7), second(0.7))


def test_while_loop_on_a_batch():
    starts = np.array([0.3, 0.7, 2.0])
    agree(wg.jit(wg.vmap(growing))(starts), wg.vmap(growing)(starts))
    both = lambda a: wg.jvp(wg.vmap(growing), (a,), (a,))  # noqa: E731
    agree(wg.jit(both)(starts), both(starts))


def test_while_loop_in_scan():
    def f(v, x):
        def grow(c):
            return wg.while_loop(lambda d: np.sum(d * d) < 4, lambda d: d * 1.5 + 0.1, c)

        return wg.scan(lambda c, r: (grow(c * r), None), v, x)[0]

    agree(wg.jit(f)(V, X), f(V, X))
    agree(wg.jit(lambda v, x: wg.jvp(f, (v, x), (v, x)))(V, X), wg.jvp(f, (V, X), (V, X)))


def test_bounds_may_be_traced():
    f = lambda n, v: wg.fori_loop(0, n, lambda i, c: c * (i + 1.0), v)  # noqa: E731
    agree(wg.jit(f)(np.int64(3), V), f(3, V))
    agree(wg.jit(f)(np.int64(0), V), V)


def test_reverse_mode_of_while_loops_is_refused():
    with pytest.raises(UnsupportedFunction, match=r"wg\.scan"):
        wg.jit(wg.grad(lambda a: growing(a)[0]))(0.7)
    with pytest.raises(UnsupportedFunction, match=r"wg\.scan"):
        wg.grad(wg.jit(lambda a: growing(a)[0]))(0.7)
    assert wg.grad(lambda a: growing(a)[0])(0.7) == pytest.approx(wg.jvp(growing, (0.7,), (1.0,))[1][0])


def test_conditions_that_are_known_need_no_loop_in_the_graph():
    f = wg.jit(lambda v: wg.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * v), (0, v))[1])
    np.testing.assert_allclose(f(V), V**4)
    np.testing.assert_allclose(wg.grad(lambda v: np.sum(f(v)))(V), 4 * V**3)


# Bad input


def drifting(v):
    return wg.scan(lambda c, _: (c.astype(np.float32), None), v, length=2)


def writing_to_a_captured_array(v):
    out = np.zeros_like(v)

    def step(i, c):
        out[i] = c[i]
        return c

    return wg.fori_loop(0, 2, step, v)


def writing_to_an_operand(v):
    def branch(x):
        x *= 2
        return x

    return wg.cond(v[0] > 0, branch, np.negative, v)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (drifting, OutputError, r"changed in a round from float64 of shape \(3,\) to float32"),
        (lambda v: wg.scan(lambda c, _: ((c, c), None), v, length=2), OutputError, "changed its structure"),
        (lambda v: wg.scan(lambda c, _: c, v, length=2), OutputError, "must return a pair"),
        (lambda v: wg.scan(lambda c, _: (c, None), v, length=v[0]), InputError, "length must be an int .* a traced"),
        (lambda v: wg.cond(v > 0, np.sin, np.cos, v), InputError, r"bool of shape \(3,\)"),
        (lambda v: wg.cond(v[0], np.sin, np.cos, v), InputError, "must be one boolean"),
        (lambda v: wg.cond(v[0] > 0, np.sum, np.cos, v), OutputError, "same shapes and dtypes"),
        (lambda v: wg.cond(v[0] > 0, np.sin, lambda v: (v,), v), OutputError, "differ in structure"),
        (lambda v: wg.while_loop(lambda c: c[0] > 0, lambda c: c[:1], v), OutputError, "while_loop: the carry changed"),
        (lambda v: wg.while_loop(lambda c: c > 0, lambda c: c, v), InputError, "must be one boolean"),
        (writing_to_a_captured_array, TraceError, "writes to an array"),
        (writing_to_an_operand, TraceError, "writes to one of its arguments"),
    ],
)
def test_bad_input(f, error, message):
    with pytest.raises(error, match=message):
        wg.jit(f)(V)
