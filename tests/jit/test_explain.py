"""``explain`` and ``lower``: what they say of what was compiled, and of the lines that it comes from."""

import inspect
import sys

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.explain import Report, ReportedStep
from wengert.compiler.graph import Source

OFFSET = np.array([0.5, 1.5, 2.5])


def line_of(f, k):
    """The number of line ``k`` of a function."""
    return inspect.getsourcelines(f)[1] + k


def layer(w, x):
    h = x @ w
    y = np.tanh(h)
    return np.sum(y * y)


W, X = np.ones((3, 4)), np.ones((2, 3))


def test_a_report_names_steps_and_the_signature():
    report = wg.jit(layer).explain(W, X)
    assert report.steps[0].kind == "product"
    assert report.steps[0].what.startswith("(2, 3) @ (3, 4), float64")
    assert report.steps[0].operations == 2 * 2 * 3 * 4
    assert str(report).splitlines()[0] == "layer(float64[3, 4], float64[2, 3])"
    assert "tanh" in str(report)
    assert "y = np.tanh(h)" in str(report)
    assert repr(report).startswith("<Report on layer(float64[3, 4], float64[2, 3]): ")


def test_steps_of_the_backward_pass_show_the_line_that_they_are_the_derivative_of():
    report = wg.jit(wg.grad(layer)).explain(W, X)
    products = [step for step in report.steps if step.kind == "product"]
    (forward,), (backward,) = products[0].sources, products[-1].sources
    assert (forward.line, forward.derivative) == (line_of(layer, 1), False)
    assert (backward.line, backward.derivative) == (line_of(layer, 1), True)
    assert f"∂ test_explain.py:{line_of(layer, 1)}  h = x @ w" in str(report)
    places = {(source.line, source.derivative) for step in report.steps for source in step.sources}
    assert (line_of(layer, 2), True) in places
    assert {line for line, _ in places} <= {line_of(layer, k) for k in (1, 2, 3)}


@pytest.mark.parametrize(
    "derivative",
    [
        pytest.param(lambda f: wg.grad(lambda x: np.sum(wg.grad(f)(x))), id="second order"),
        pytest.param(wg.jacobian, id="jacobian"),
    ],
)
def test_derivatives_of_derivatives_show_lines_of_the_function(derivative):
    def f(x):
        y = np.sin(x) * x
        return np.sum(y)

    report = wg.jit(derivative(f)).explain(np.ones(3))
    assert line_of(f, 1) in {source.line for step in report.steps for source in step.sources}


def test_where_elements_are_selected_lines_are_told_as_well():
    def f(x):
        y = np.sqrt(np.abs(x))
        return np.sum(np.where(x > 0, y, x))

    report = wg.jit(wg.grad(f)).explain(np.ones(3))
    assert (line_of(f, 1), True) in {(s.line, s.derivative) for step in report.steps for s in step.sources}
    assert any("looks for NaN in a derivative" in note for note in report.notes)


def test_lines_of_the_masked_sweep():
    def f(x):
        y = np.sqrt(x)
        return np.sum(np.where(x > 0, y, x))

    fast = wg.jit(wg.grad(f))
    x = np.array([-1.0, 4.0])
    with np.errstate(all="ignore"):
        assert fast(x).tolist() == [1.0, 0.25]
    (form,) = [form for forms in fast._forms.values() for form in forms]
    sources = {value.source for value in form.careful.graph.values if value.source is not None}
    assert (line_of(f, 1), True) in {(source.line, source.derivative) for source in sources}


def test_notes_say_what_was_found_outside():
    factor = 3.0

    def f(x):
        return np.sum(x * OFFSET) * factor

    notes = "\n".join(wg.jit(f).explain(np.ones(3)).notes)
    assert "reads float64[3] anew at each call, found at" in notes
    assert f"line {line_of(f, 1)}, in f" in notes
    assert "holds while these are what they were: OFFSET, float" in notes


def test_calls_of_numpy_have_a_reason():
    report = wg.jit(lambda x: np.sort(np.exp(x))).explain(np.ones(5))
    (step,) = [step for step in report.steps if step.kind == "NumPy"]
    assert step.what in ("np.sort", "np.argsort")
    assert "no kernel is known" in step.reason
    assert step.reason in str(report)
    report = wg.jit(lambda x: x * 2).explain(np.ones(5, complex))
    assert any("kernels don't compute with complex128" in step.reason for step in report.steps)


def test_steps_that_repeat_themselves_are_told_once():
    def f(w, x):
        for _ in range(20):
            x = np.tanh(x @ w)
        return x

    text = str(wg.jit(f).explain(np.eye(4), np.ones((3, 4))))
    assert "times the next 2 steps:" in text
    assert text.count("np.tanh(x @ w)") < 8


def step(what, *lines):
    return ReportedStep("kernel", what, tuple(Source("nowhere.py", n, "f") for n in lines), 8, 1)


def test_cycles_are_folded_and_the_rest_stays():
    a, b, c = step("a", 1), step("b", 2), step("c", 3)
    text = str(Report("f", "()", [c, a, b, a, b, a, b, c, c], 0))
    assert "  2  3 times the next 2 steps:" in text
    assert "  8  kernel   2 times c" in text
    assert [text.count(f" {name}\n") for name in "abc"] == [1, 1, 2]


def test_many_lines_are_cut_short():
    text = str(Report("f", "()", [step("a", *range(1, 10))], 0))
    assert "nowhere.py:6\n" in text
    assert "nowhere.py:7" not in text
    assert text.endswith("and 3 further lines")


def test_loops_show_their_steps():
    def f(x, xs):
        return wg.scan(lambda c, x: (np.tanh(c * x), c), x, xs)[0]

    report = wg.jit(f).explain(np.ones(3), np.ones((7, 3)))
    (loop,) = [step for step in report.steps if step.kind == "loop"]
    assert loop.what.startswith("7 rounds of ")
    assert loop.inner[0].what in str(report)
    assert loop.operations == 7 * sum(step.operations for step in loop.inner)


def test_explaining_compiles_once_and_changes_nothing():
    fast = wg.jit(layer)
    fast.explain(W, X)
    assert fast.cache_size == 1
    fast.explain(W, x=X)
    value = fast(W, X)
    assert fast.cache_size == 2
    assert value == pytest.approx(layer(W, X))
    assert fast.explain(W, x=X).signature == "(float64[3, 4], x=float64[2, 3])"


def test_a_drawing_has_the_steps_and_what_they_use(tmp_path):
    pytest.importorskip("graphviz")
    report = wg.jit(wg.grad(layer)).explain(W, X)
    source = report.draw().source
    assert "1 product" in source
    assert "tanh" in source
    assert "0 -> 1" in source
    assert all(before < after for before, after in report.edges)


def test_drawing_without_graphviz_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"wengert\[plotting\]"):
        wg.jit(layer).explain(W, X).draw()


def test_lowered_has_all_stages():
    low = wg.jit(layer).lower(W, X)
    assert "apply matmul" in low.graph
    assert f"line {line_of(layer, 2)}, in layer" in low.graph
    assert "matmul" in low.primitives
    assert "map tanh" in low.primitives
    assert "program (%0, %1) -> " in low.program
    assert "kernel_0(" in low.program
    assert "@kernel_0(" in low.ir
    assert str(low.report) == str(wg.jit(layer).explain(W, X))


def test_without_native_code_the_report_says_so(monkeypatch):
    monkeypatch.setattr("wengert.compiler.lowered.available", lambda: "there is no compiler")
    report = wg.jit(layer).explain(W, X)
    assert report.notes[0] == "NumPy computes it operation by operation, as native code can't run: there is no compiler"
