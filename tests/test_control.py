"""``scan``, ``fori_loop``, ``while_loop`` and ``cond`` on arrays that are not traced, against loops written out."""

from dataclasses import dataclass

import numpy as np
import pytest

import wengert as wg
from wengert.errors import InputError, OutputError

RNG = np.random.default_rng(0)
W, H, XS = RNG.normal(size=(3, 3)), RNG.normal(size=3), RNG.normal(size=(5, 3))


def by_scan(w, h, xs, reverse=False):
    def step(h, x):
        h = np.tanh(w @ h + x)
        return h, np.sum(h**2)

    h, ys = wg.scan(step, h, xs, reverse=reverse)
    return np.sum(ys * np.arange(len(xs))) + np.sum(h)


def written_out(w, h, xs, reverse=False):
    total = 0.0
    for i in range(len(xs))[:: -1 if reverse else 1]:
        h = np.tanh(w @ h + xs[i])
        total = total + np.sum(h**2) * i
    return total + np.sum(h)


def agree(f, g, *args):
    everything = tuple(range(len(args)))
    np.testing.assert_allclose(f(*args), g(*args), rtol=1e-13)
    for a, b in zip(wg.grad(f, everything)(*args), wg.grad(g, everything)(*args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
    for a, b in zip(wg.jvp(f, args, args), wg.jvp(g, args, args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
    for a, b in zip(wg.hvp(f, args, args), wg.hvp(g, args, args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_scan_is_the_loop_written_out(reverse, count):
    agree(lambda *a: by_scan(*a, reverse), lambda *a: written_out(*a, reverse), W, H, XS[:count])


def test_hessian_and_third_derivative():
    f, g = (lambda h: by_scan(W, h, XS)), (lambda h: written_out(W, h, XS))
    np.testing.assert_allclose(wg.hessian(f)(H), wg.hessian(g)(H), rtol=1e-10, atol=1e-12)
    third = [wg.grad(lambda h, f=f: np.sum(wg.hvp(f, (h,), (H,))))(H) for f in (f, g)]
    np.testing.assert_allclose(*third, rtol=1e-10, atol=1e-12)


def test_vmap_of_scan():
    hs = RNG.normal(size=(4, 3))
    expected = [written_out(W, h, XS) for h in hs]
    np.testing.assert_allclose(wg.vmap(lambda h: by_scan(W, h, XS))(hs), expected)
    expected = [wg.grad(written_out, 1)(W, h, XS) for h in hs]
    np.testing.assert_allclose(wg.vmap(wg.grad(lambda h: by_scan(W, h, XS)))(hs), expected)


def test_scan_of_tensors_leaves_gradients():
    w = wg.tensor(W)
    by_scan(w, H, XS).backward()
    np.testing.assert_allclose(w.grad, wg.grad(written_out)(W, H, XS))


@dataclass
class State:
    h: object
    count: object


def test_carries_and_results_are_trees():
    def step(s, x):
        return State(s.h * x["a"], s.count + 1), {"h": s.h, "pair": (s.count, x["b"])}

    s, ys = wg.scan(step, State(H, 0), {"a": XS, "b": np.arange(5.0)})
    assert isinstance(s, State)
    assert s.count == 5
    assert s.count.dtype == np.int64
    np.testing.assert_allclose(s.h, H * np.prod(XS, axis=0))
    np.testing.assert_array_equal(ys["pair"][0], np.arange(5))
    np.testing.assert_array_equal(ys["pair"][1], np.arange(5.0))
    np.testing.assert_allclose(ys["h"], np.cumprod(np.vstack([H, XS[:-1]]), axis=0))


def test_nothing_to_collect_and_nothing_to_go_through():
    carry, ys = wg.scan(lambda c, x: (2 * c, None), 1.0, length=5)
    assert (carry, ys) == (32.0, None)
    carry, ys = wg.scan(lambda c, x: (None, x), None, XS)
    assert carry is None
    np.testing.assert_array_equal(ys, XS)


def test_no_rounds():
    carry, ys = wg.scan(lambda c, x: (c + x, {"y": x, "n": 1}), H, np.zeros((0, 3), np.float32) + 0)
    np.testing.assert_array_equal(carry, H)
    assert ys["y"].shape == (0, 3)
    assert ys["y"].dtype == np.float32
    assert ys["n"].shape == (0,)


def test_a_python_number_takes_the_dtype_of_the_first_round():
    total, ys = wg.scan(lambda c, x: (c + x, c), 0.0, np.ones(3, np.float32))
    assert total.dtype == ys.dtype == np.float32
    np.testing.assert_array_equal(ys, [0, 1, 2])
    count, _ = wg.scan(lambda c, x: (c + 1, None), 0, XS)
    assert count.dtype == np.int64


def test_the_body_may_write_to_its_arguments():
    init, xs = np.zeros(2), np.ones((3, 2))

    def step(c, x):
        x *= 5
        c += x
        return c, c

    carry, ys = wg.scan(step, init, xs)
    np.testing.assert_array_equal(ys, [[5, 5], [10, 10], [15, 15]])
    np.testing.assert_array_equal(carry, [15, 15])
    assert not init.any()
    assert (xs == 1).all()
    jacobian = wg.jacobian(lambda c: wg.scan(step, c, xs)[1])(init)
    np.testing.assert_array_equal(jacobian, np.broadcast_to(np.eye(2), (3, 2, 2)))


def test_fori_loop():
    def f(v, x):
        return np.sum(wg.fori_loop(1, 4, lambda i, c: c + np.sin(x[i]) * i * c, v))

    def g(v, x):
        for i in range(1, 4):
            v = v + np.sin(x[i]) * i * v
        return np.sum(v)

    agree(f, g, H, XS)
    assert wg.fori_loop(3, 3, lambda i, c: c + 1, 7) == 7
    assert wg.fori_loop(5, 3, lambda i, c: c + 1, 7) == 7
    single = wg.fori_loop(0, 3, lambda i, c: c * i, np.ones(2, np.float32))
    assert single.dtype == np.float32


def test_while_loop():
    def root(a):
        return wg.while_loop(lambda x: np.abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)

    assert root(2.0) == pytest.approx(np.sqrt(2.0))
    assert wg.grad(root)(2.0) == pytest.approx(0.5 / np.sqrt(2.0))
    assert wg.jvp(root, (2.0,), (1.0,))[1] == pytest.approx(0.5 / np.sqrt(2.0))
    assert wg.grad(wg.grad(root))(2.0) == pytest.approx(-0.25 * 2.0**-1.5)


def test_while_loop_on_a_batch_runs_until_all_are_done():
    def double(x):
        return wg.while_loop(lambda s: s[0] < 10, lambda s: (2 * s[0], s[1] + 1), (x, 0))

    xs = np.array([1.0, 3.0, 20.0, 9.9])
    value, rounds = wg.vmap(double)(xs)
    np.testing.assert_array_equal(value, [16, 12, 20, 19.8])
    np.testing.assert_array_equal(rounds, [4, 2, 0, 1])
    np.testing.assert_array_equal(wg.vmap(wg.grad(lambda x: double(x)[0]))(xs), [16, 4, 1, 2])
    nested = wg.vmap(wg.vmap(double))(xs.reshape(2, 2))
    np.testing.assert_array_equal(nested[0], np.reshape(value, (2, 2)))


def test_while_loop_on_a_batch_is_not_disturbed_by_what_finished_examples_would_do():
    def f(x):
        return wg.while_loop(lambda s: s[1] > 0, lambda s: (s[0] + np.sqrt(s[1]), s[1] - 1.0), (x, x))[0]

    xs = np.array([1.0, 2.5])
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(xs), [wg.grad(f)(x) for x in xs])


def test_cond_calls_one_branch():
    called = []

    def branch(name):
        return lambda x: called.append(name) or x

    for pred, expected in [(True, "yes"), (np.False_, "no"), (np.array(True), "yes"), (wg.tensor(True), "yes")]:
        wg.cond(pred, branch("yes"), branch("no"), 1.0)
        assert called.pop() == expected
        assert not called
    assert wg.cond(True, lambda: "anything", lambda: None) == "anything"


def test_cond_has_the_derivative_of_the_branch():
    f = wg.grad(lambda x: wg.cond(x > 0, np.exp, lambda x: x * x, x))
    assert f(1.0) == pytest.approx(np.exp(1.0))
    assert f(-1.0) == -2.0


def test_cond_on_a_batch_chooses_example_by_example():
    def f(x, a):
        return wg.cond(np.sum(x) > 0, lambda x, a: {"y": np.sqrt(x) * a}, lambda x, a: {"y": x * x}, x, a)["y"]

    xs = np.array([[1.0, 4.0], [-1.0, -4.0], [4.0, 0.0]])
    np.testing.assert_allclose(wg.vmap(f, (0, None))(xs, 2.0), [[2, 4], [1, 16], [4, 0]])
    both = wg.vmap(wg.grad(lambda x, a: np.sum(f(x, a)), (0, 1)), (0, None))(xs[:2], 2.0)
    np.testing.assert_allclose(both[0], [[1, 0.5], [-2, -8]])
    np.testing.assert_allclose(both[1], [3, 0])


def test_loops_within_loops():
    def f(v, x):
        def outer(c, row):
            def inner(d, e):
                d = wg.cond(np.sum(d) > 0, lambda d: np.cos(d) * e, lambda d: d - e, d)
                return d, np.sum(c * d)

            c, ys = wg.scan(inner, c, row)
            return c, np.sum(ys)

        c, ys = wg.scan(outer, v, x)
        return np.sum(c) + np.sum(ys)

    def g(v, x):
        total = 0.0
        for row in x:
            c = v
            for e in row:
                v = np.cos(v) * e if np.sum(wg.stop_gradient(v)) > 0 else v - e
                total = total + np.sum(c * v)
        return np.sum(v) + total

    x = RNG.normal(size=(2, 3))
    np.testing.assert_allclose(f(H, x), float(wg.vjp(g, H, x)[0]))
    for a, b in zip(wg.grad(f, (0, 1))(H, x), wg.grad(g, (0, 1))(H, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def add(c, x):
    return c + x, None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: wg.scan(None, 0.0, XS), InputError, "f must be a function"),
        (lambda: wg.scan(add, 0.0), InputError, "Pass length"),
        (lambda: wg.scan(add, 0.0, length=2.5), InputError, "length must be an int"),
        (lambda: wg.scan(add, 0.0, length=-1), InputError, "negative"),
        (lambda: wg.scan(add, H, XS, length=4), InputError, "has 5 entries along axis 0, but length=4"),
        (lambda: wg.scan(add, H, {"a": XS, "b": XS[1:]}), InputError, r"xs\['b'\] has 4 .* xs\['a'\] has 5"),
        (lambda: wg.scan(add, 0.0, [1.0, 2.0]), InputError, "without axes"),
        (lambda: wg.scan(add, "no", XS), InputError, "init is a str"),
        (lambda: wg.scan(lambda c, x: c, H, XS), OutputError, "must return a pair"),
        (lambda: wg.scan(lambda c, x: None, H, XS), OutputError, "it returned None"),
        (lambda: wg.scan(lambda c, x: (c, "y"), H, XS), InputError, "y is a str"),
        (
            lambda: wg.scan(lambda c, x: ({"h": c["h"].astype(np.float32)}, None), {"h": H}, XS),
            OutputError,
            r"leaf \['h'\] changed .* from float64 of shape \(3,\) to float32 of shape \(3,\)",
        ),
        (lambda: wg.scan(lambda c, x: (x, None), 0.0, XS), OutputError, r"from float64 of shape \(\) to float64"),
        (lambda: wg.scan(lambda c, x: ((c, c), None), H, XS), OutputError, "changed its structure"),
        (lambda: wg.scan(lambda c, x: (None, None), H, XS), OutputError, "now has None"),
        (lambda: wg.scan(lambda c, x: ("c", None), H, XS), OutputError, "is a str"),
        (lambda: wg.scan(lambda c, x: (c + 1, np.zeros(c)), 1, length=3), OutputError, "the y changed"),
        (lambda: wg.fori_loop(0, 2.5, lambda i, c: c, 0.0), InputError, "upper must be an integer"),
        (lambda: wg.fori_loop(np.arange(2), 2, lambda i, c: c, 0.0), InputError, "lower must be an integer"),
        (lambda: wg.fori_loop(0, 3, lambda i, c: c[1:], H), OutputError, "fori_loop: the carry changed"),
        (lambda: wg.while_loop(lambda c: c, lambda c: c, 1.0), InputError, "must be one boolean"),
        (lambda: wg.while_loop(lambda c: c > 0, lambda c: c, H), InputError, r"bool of shape \(3,\)"),
        (lambda: wg.while_loop(lambda c: c[0] < 9, lambda c: c[0], (1.0,)), OutputError, "changed its structure"),
        (lambda: wg.cond(1, add, add), InputError, "pred must be one boolean; it is int64"),
        (lambda: wg.cond("yes", add, add), InputError, "it is a str"),
        (lambda: wg.cond(H > 0, add, add), InputError, r"bool of shape \(3,\)"),
        (lambda: wg.cond(True, add, 3), InputError, "false_fun must be a function"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("yes", "no", "message"),
    [
        (lambda x: x, lambda x: (x, x), "differ in structure"),
        (lambda x: x, lambda x: x[:1], r"float64 of shape \(3,\) and .* float64 of shape \(1,\)"),
        (lambda x: {"a": x}, lambda x: {"a": x.astype(np.float32)}, r"at \['a'\]"),
        (lambda x: x, lambda x: "x", "arrays or numbers"),
    ],
)
def test_branches_of_a_batch_must_be_alike(yes, no, message):
    with pytest.raises(OutputError, match=message):
        wg.vmap(lambda x: wg.cond(x[0] > 0, yes, no, x))(XS)
