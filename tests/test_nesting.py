"""Transformations inside transformations: no derivative is mistaken for another's, in one thread or in many."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import wengert as wg

X = np.array([0.5, -1.0])


def reverse(f):
    return wg.grad(f)


def forward(f):
    return lambda x: wg.jvp(f, (x,), (np.ones(()) if np.ndim(x) == 0 else None,))[1]


MODES = pytest.mark.parametrize("inner", [reverse, forward], ids=["inner reverse", "inner forward"])
OUTER = pytest.mark.parametrize("outer", [reverse, forward], ids=["outer reverse", "outer forward"])


@OUTER
@MODES
def test_the_classic_confusion(outer, inner):
    """d/dx (x · d/dy (x + y)) = 1: the inner derivative is 1, not 2."""
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0) == 1.0


@OUTER
@MODES
def test_the_inner_derivative_depends_on_the_outer_variable(outer, inner):
    """d/dx (x · d/dy (x · y²)) at y = 3 is d/dx 6x² = 12x."""
    assert outer(lambda x: x * inner(lambda y: x * y * y)(3.0))(2.0) == 24.0


@OUTER
@MODES
def test_the_inner_derivative_at_the_outer_variable(outer, inner):
    """d/dx (d/dy (x · y³) at y = x) = d/dx 3x³ = 9x²."""
    assert outer(lambda x: inner(lambda y: x * y * y * y)(x))(2.0) == 36.0


@OUTER
@MODES
def test_the_inner_derivative_of_the_outer_variable_alone_is_zero(outer, inner):
    assert outer(lambda x: x + inner(lambda y: x * x + 0.0 * y)(1.0))(3.0) == 1.0
    assert outer(lambda x: x * x + inner(lambda y: wg.tensor(1.0) * x)(1.0))(3.0) == 6.0


@OUTER
@MODES
def test_a_function_that_leaks_the_outer_variable(outer, inner):
    """The inner function keeps what it saw; using it outside means its value."""
    kept = []

    def f(x):
        slope = inner(lambda y: kept.append(x * 2.0) or x * y)(1.0)
        return slope * kept[-1]

    assert outer(f)(3.0) == 12.0


@OUTER
@MODES
def test_derivatives_of_linear_functions_are_constants(outer, inner):
    assert outer(inner(lambda x: 3.0 * x))(2.0) == 0.0
    assert outer(lambda x: inner(lambda y: 3.0 * y)(x))(2.0) == 0.0


@pytest.mark.parametrize(
    "modes", [(a, b, c) for a in (reverse, forward) for b in (reverse, forward) for c in (reverse, forward)]
)
def test_three_levels(modes):
    first, second, third = modes

    def f(x):
        return np.sin(x) * x

    exact = -3 * np.sin(0.7) - 0.7 * np.cos(0.7)
    assert abs(first(second(third(f)))(0.7) - exact) < 1e-14
    assert first(lambda x: x * second(lambda y: y * x * third(lambda z: x * y * z)(1.0))(2.0))(3.0) == 4 * 3 * 3.0**2


def test_many_levels():
    f = np.exp
    for _ in range(7):
        f = wg.grad(f)
    assert f(0.0) == 1.0


def test_aux_of_an_inner_transformation_keeps_the_outer_derivative():
    def f(x):
        gradient, aux = wg.grad(lambda y: (x * y * y, x * x), has_aux=True)(2.0)
        return gradient + aux

    assert wg.grad(f)(3.0) == 10.0


def test_a_pullback_made_outside_used_inside():
    _, pullback = wg.vjp(lambda x: x * x, 3.0)
    assert wg.grad(lambda g: pullback(g * g))(5.0) == 60.0


def test_a_pullback_made_inside_is_differentiated():
    def f(x):
        _, pullback = wg.vjp(lambda y: x * y * y, x)
        return pullback(x)

    assert wg.grad(f)(2.0) == 6 * 2.0**2


def test_jacobian_inside_grad():
    gradient = wg.grad(lambda x: np.sum(wg.jacobian(lambda y: y * y * x)(x)))(X)
    np.testing.assert_array_equal(gradient, 4 * X)


def test_jacobian_of_jacobian():
    second = wg.jacobian(wg.jacobian(lambda x: x * x * x))(X)
    np.testing.assert_array_equal(second, np.einsum("ij,jk,j->ijk", np.eye(2), np.eye(2), 6 * X))


def test_backward_on_own_tensors_inside_a_transformation():
    """A person's own tensor inside a transformed function has a graph of its own."""

    def f(x):
        t = wg.tensor(2.0)
        (t * t).backward()
        return x * t.grad

    assert wg.grad(f)(3.0) == 4.0


def test_closures_over_tensors_of_ones_own_are_constants():
    w = wg.tensor([2.0, 3.0])
    loss = w * 2.0
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * loss))(X), [4.0, 6.0])
    loss.backward()
    np.testing.assert_array_equal(w.grad, [2.0, 2.0])


def test_a_recording_of_ones_own_around_a_transformation():
    w = wg.tensor(3.0)
    slope = wg.grad(lambda x: x * x * w)(2.0)
    slope.backward()
    assert w.grad == 4.0


def nested(x):
    """x · d/dy (sin(x·y) · y²) at y = x, whose derivative needs both levels kept apart."""
    return x * wg.grad(lambda y: np.sin(x * y) * y * y)(x)


def test_nested_gradients_in_many_threads():
    points = [0.1 + 0.001 * i for i in range(400)]
    alone = [wg.grad(nested)(p) for p in points]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(wg.grad(nested), points))
    assert together == alone


def test_mixed_modes_in_many_threads():
    def run(p):
        inner_forward = wg.grad(lambda x: x * wg.jvp(lambda y: np.sin(x * y), (x,), (1.0,))[1])(p)
        inner_reverse = wg.jvp(lambda x: x * wg.grad(lambda y: np.sin(x * y))(x), (p,), (1.0,))[1]
        t = wg.tensor(p)
        (np.sin(t) * t).backward()
        return inner_forward, inner_reverse, float(t.grad)

    points = [0.1 + 0.003 * i for i in range(200)]
    alone = [run(p) for p in points]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, points)) == alone
    for inner_forward, inner_reverse, _ in alone:
        assert inner_forward == pytest.approx(inner_reverse, rel=1e-14)


def test_threads_inside_a_transformation():
    """The outer derivative is traced through work that other threads do."""
    with ThreadPoolExecutor(4) as pool:

        def f(x):
            return sum(pool.map(lambda k: wg.grad(lambda y: x * y * y)(float(k)), range(8)))

        assert wg.grad(f)(3.0) == 2.0 * sum(range(8))
