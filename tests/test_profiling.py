"""``wg.profile``: what it measures, on which lines, and that nothing is left of it afterwards."""

import inspect
import threading

import numpy as np
import pytest

import wengert as wg
from tests.jit.compiling import traced
from wengert.compiler.backend import Native
from wengert.compiler.executable import compiled
from wengert.compiler.native.selftest import available
from wengert.compiler.timing import StepTimer
from wengert.core import modes

native = pytest.mark.skipif(available() is not None, reason="native code can't run here")


def line_of(f, k):
    """The number of line ``k`` of a function."""
    return inspect.getsourcelines(f)[1] + k


def loss(w, x):
    h = np.tanh(x @ w)
    return np.sum(h * h)


W, X = np.full((3, 4), 0.1), np.ones((2, 3))


def found(p):
    """Kind, operation and line number of each row."""
    return {(row.kind, row.what, row.lines[0][1]) for row in p.rows}


def test_operations_and_their_derivatives_are_told_by_line():
    with wg.profile() as p:
        wg.grad(loss)(W, X)
    first, second = line_of(loss, 1), line_of(loss, 2)
    expected = {("matmul", first), ("tanh", first), ("multiply", second), ("sum", second)}
    assert found(p) == {(kind, *rest) for kind in ("forward", "backward") for rest in expected}
    assert {row.calls for row in p.rows} == {1}
    assert all(row.lines[0][0] == __file__ for row in p.rows)
    assert sum(row.seconds for row in p.rows) > 0
    assert p.seconds > 0


def test_the_gradient_is_the_same():
    expected = wg.value_and_grad(loss)(W, X)
    with wg.profile():
        value, gradient = wg.value_and_grad(loss)(W, X)
    assert value == expected[0]
    assert np.array_equal(gradient, expected[1])


def test_calls_are_added_up_and_rows_sorted():
    def f(x):
        for _ in range(5):
            x = np.sin(x)
        return np.sum(x)

    with wg.profile() as p:
        for _ in range(3):
            wg.grad(f)(np.ones(10))
    calls = {(row.kind, row.what): row.calls for row in p.rows}
    assert calls == {(k, w): n for k in ("forward", "backward") for w, n in (("sin", 15), ("sum", 3))}
    seconds = [row.seconds for row in p.rows]
    assert seconds == sorted(seconds, reverse=True)


def test_tensors_and_backward():
    t = wg.tensor([1.0, 2.0])
    with wg.profile() as p:
        y = np.sum(t * t)
        y.backward()
    assert {(row.kind, row.what) for row in p.rows} == {
        (k, w) for k in ("forward", "backward") for w in ("multiply", "sum")
    }
    assert t.grad.tolist() == [2.0, 4.0]


def test_what_was_recorded_before_has_no_line():
    y = np.sum(wg.tensor([1.0, 2.0]) ** 2)
    with wg.profile() as p:
        y.backward()
    assert {(row.kind, row.what, row.lines) for row in p.rows} == {("backward", "power", ()), ("backward", "sum", ())}
    assert "∂ power" in str(p)


def test_selection_and_masks():
    def f(x):
        return np.sum(np.where(x > 0, np.sqrt(x), x))

    with np.errstate(all="ignore"), wg.profile() as p:
        assert wg.grad(f)(np.array([-1.0, 4.0])).tolist() == [1.0, 0.25]
    assert {"where", "sqrt", "sum"} <= {row.what for row in p.rows if row.kind == "backward"}


def test_derivatives_of_derivatives():
    with wg.profile() as p:
        assert wg.grad(wg.grad(lambda x: x**3))(2.0) == 12.0
    assert {row.kind for row in p.rows} == {"forward", "backward"}


def test_forward_mode_has_no_backward_rows():
    with wg.profile() as p:
        wg.jvp(lambda x: np.sin(x), (np.ones(3),), (np.ones(3),))
    assert {row.kind for row in p.rows} == {"forward"}
    assert "sin" in {row.what for row in p.rows}


def test_an_error_passes_and_nothing_is_left():
    before = modes.special, modes.profiling, modes.inspected

    def fails():
        np.exp(wg.tensor(1.0))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), wg.profile() as p:
        fails()
    assert (modes.special, modes.profiling, modes.inspected) == before
    assert modes.profile() is None
    assert [row.what for row in p.rows] == ["exp"]


def test_an_error_in_a_rule_passes_and_later_sweeps_are_measured():
    @wg.custom_gradient
    def bad(x):
        def pull(g):
            raise RuntimeError("no derivative")

        return x * 2, pull

    with wg.profile() as p:
        with pytest.raises(RuntimeError, match="no derivative"):
            wg.grad(lambda x: np.sum(bad(x)))(np.ones(2))
        wg.grad(lambda x: np.sum(np.cos(x)))(np.ones(2))
    assert ("backward", "cos") in {(row.kind, row.what) for row in p.rows}


def test_profiles_may_be_nested_and_the_inner_one_measures():
    with wg.profile() as outer:
        np.exp(wg.tensor(1.0))
        with wg.profile() as inner:
            np.sin(wg.tensor(1.0))
        np.cos(wg.tensor(1.0))
    assert {row.what for row in inner.rows} == {"sin"}
    assert {row.what for row in outer.rows} == {"exp", "cos"}


def test_other_threads_are_left_alone():
    def work():
        np.exp(wg.tensor(1.0))

    with wg.profile() as p:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert p.rows == ()


def test_the_table():
    with wg.profile() as p:
        wg.grad(loss)(W, X)
    heading, *rows, total = str(p).splitlines()
    assert heading.split() == ["time", "share", "calls", "each", "operation", "line"]
    assert len(rows) == len(p.rows)
    assert any(f"∂ tanh      test_profiling.py:{line_of(loss, 1)}  h = np.tanh(x @ w)" in row for row in rows)
    assert "in these operations; the context lasted" in total
    assert repr(p).endswith("8 rows>")


def test_an_empty_table():
    with wg.profile() as p:
        pass
    assert p.rows == ()
    assert str(p).splitlines()[0].split() == ["time", "share", "calls", "each", "operation", "line"]


@native
def test_steps_of_a_compiled_function_are_timed_one_by_one():
    graph, arrays = traced(wg.grad(loss), W, X)
    made = compiled(graph, Native)
    expected = [a.copy() for a in arrays]
    timer = StepTimer(made)
    times = timer.seconds(arrays)
    steps = sum(1 if piece.program is None else len(piece.program.steps) for piece in made.pieces)
    assert len(times) == len(timer.seconds(arrays)) == steps
    assert all(seconds >= 0.0 for seconds in times)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, expected, strict=True))


@native
def test_steps_compute_what_the_program_computes():
    def f(x):
        y = np.sort(np.tanh(x) * 3.0)
        return np.sum(y * y) + y

    x = np.linspace(-1.0, 1.0, 30)
    graph, arrays = traced(f, x)
    made = compiled(graph, Native)
    timer = StepTimer(made)
    known = {graph.inputs[0].number: arrays[0]}
    for piece, split in zip(made.pieces, timer._programs, strict=True):
        given = [np.asarray(known[value.number]) for value in piece.inputs]
        outputs = piece.run(given) if split is None else split.run(given)[0]
        known |= {value.number: y for value, y in zip(piece.outputs, outputs, strict=True)}
    np.testing.assert_allclose(known[made.graph.outputs[0].number], f(x), rtol=1e-12)


@native
def test_jitted_functions_have_a_row_for_each_step():
    fast = wg.jit(wg.grad(loss))
    with wg.profile() as p:
        for _ in range(3):
            gradient = fast(W, X)
    np.testing.assert_allclose(gradient, wg.grad(loss)(W, X), rtol=1e-12)
    places = {row.lines for row in p.rows if row.kind in ("compile", "call")}
    assert places == {((__file__, line_of(test_jitted_functions_have_a_row_for_each_step, 5)),)}
    kinds = {row.kind: row.calls for row in p.rows if row.kind in ("compile", "call")}
    assert kinds == {"compile": 1, "call": 2}
    report = fast.explain(W, X)
    products = {row.what.partition(", float64")[0] for row in p.rows if row.kind == "product"}
    assert products == {step.what.partition(", float64")[0] for step in report.steps if step.kind == "product"}
    assert "forward" not in {row.kind for row in p.rows}


def test_jitted_functions_on_tensors_are_measured_as_calls():
    fast = wg.jit(lambda x: np.sum(x * x))
    t = wg.tensor([1.0, 2.0])
    with wg.profile() as p:
        fast(t).backward()
        fast(t).backward()
    assert t.grad.tolist() == [2.0, 4.0]
    assert {"compile", "call"} <= {row.kind for row in p.rows}
