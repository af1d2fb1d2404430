"""Views, updates in place and the memory guard, side by side with MyGrad: programs drawn by hypothesis, and a table.

Where the two differ on purpose, because MyGrad departs from NumPy or from ``docs/conventions.md``:

- After backpropagation a view stays a view of its base here. MyGrad disconnects it: its gradient is ``None`` after the
  next backpropagation from the base, its next use drops the base, and a later update makes it an independent copy. So
  programs do nothing with views after ``backward`` but look at them.
- Copies and ``astype`` are recorded here; they leave MyGrad's graph.
- Complex tensors are variables here.
- Nulling a view's gradient, or using a view whose gradient is there, takes that view's gradient alone here, or none.
- An update of a constant by constants leaves no creator here, so nothing stays locked.
  The guard was there for the sake of the graph, which does not need them.
- After backpropagation a view that had no part in it does not lock its base here: nothing is lost by a write.
- Where all of a tensor is overwritten its history goes, and with it the locks. So less may be locked here.
- A tensor that operations used with and without the guard reads as locked until all of them are gone.
- A backpropagation that fails leaves no gradients here; there, those that it had reached.
- A result without dimensions is a number here, as in NumPy, so nothing is a view of it: programs drop them.
- ``squeeze`` gives views here, as in NumPy; in MyGrad later updates do not always reach them.
- A boolean tensor as ``where=`` recurses for ever in MyGrad; NumPy's answer is given here.
- ``np.put`` and its like are not differentiable in MyGrad.
"""

import mygrad as mg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg

SHAPES = [(4,), (2, 3), (3, 2, 2)]
BASIC = ["...", ":", "1:", ":-1", "::2", "::-1", "0", "-1", "None", "..., 1:", "..., ::-1", "..., 0", "1:, None"]
ADVANCED = ["[0, 1]", "[0, -1, 0]", "[[0], [1]]", "np.array([True] + [False] * (n - 1))", "..., [0, 1]"]
VIEWS = ["{a}[{basic}]", "{a}[{basic}]", "{a}.reshape(-1)", "{a}.T", "{m}.transpose({a})", "{m}.expand_dims({a}, 0)",
         "{m}.ravel({a})", "{a}.swapaxes(0, -1)", "{m}.moveaxis({a}, 0, -1)"]  # fmt: skip
VALUES = ["{a} * {b}", "{a} * {a}", "{m}.sin({a})", "{m}.exp(0.1 * {a})", "{a} + 1.0", "2.0 * {a}", "{a}[{advanced}]",
          "{m}.sum({a}, axis=-1, keepdims=True)", "{m}.where(np.ones(1, bool), {a}, 0.5)",
          "{m}.tensor({a}.data)", "{a} - c"]  # fmt: skip
UPDATES = ["{a}[{basic}] = {b}", "{a}[{basic}] = 0.5 * {b}", "{a}[{advanced}] = {number}", "{a}[{basic}] = {number}",
           "{a} *= {number}", "{a} += {b}", "{a} -= {b} * {b}", "{a}[{basic}] *= {b}",
           "{m}.multiply({a}, {b}, out={a})", "{m}.sin({b}, out={a})",
           "{m}.add({b}, 1.0, where=np.ones({a}.shape[-1:], bool), out={a})",
           "{a}[...] = {b}", "{a}[{basic}] += {a}[{basic}]", "{a}[{advanced}] = {a}[{advanced}] * 2.0"]  # fmt: skip
LOOKS = ["data.append({a}.data)", "{a}.null_grad()", "del v[{i}]"]


@st.composite
def programs(draw):
    """Lines that work on variables ``v[0]``, ``v[1]``, ..., of which ``v[0]`` is there from the start."""
    lines = []
    for _ in range(draw(st.integers(2, 9))):
        kind = draw(st.sampled_from([VIEWS, VIEWS, VALUES, UPDATES, UPDATES, LOOKS]))
        template = draw(st.sampled_from(kind))
        i, j = draw(st.integers(0, 7)), draw(st.integers(0, 7))
        line = template.format(
            a=f"v[{i} % len(v)]", b=f"v[{j} % len(v)]", i=f"1 + {i} % (len(v) - 1)", m="m",
            number=draw(st.sampled_from([2.0, -0.5])),
            basic=draw(st.sampled_from(BASIC)), advanced=draw(st.sampled_from(ADVANCED)),
        )  # fmt: skip
        lines.append(f"v.append({line})" if kind in (VIEWS, VALUES) else line)
    return lines


def execute(m, lines, start):
    """All that can be seen of a run: an entry a line with the error, if there was one, and the state at the end."""
    c = np.full(start.shape[-1:], 0.25)
    v, data, log = [m.tensor(start)], [], []
    scope = {"m": m, "np": np, "v": v, "c": c, "n": start.shape[0], "data": data}
    for line in lines:
        before = len(v)
        try:
            exec(line, scope)  # noqa: S102 - a line of the program
        except (ValueError, IndexError, ZeroDivisionError, AttributeError) as error:
            log.append(type(error).__name__ if not isinstance(error, AttributeError) else "AttributeError")
            del v[before:]
            continue
        log.append(None)
        if v[-1].ndim == 0:
            del v[-1]
    state = [(x.data.tolist(), x.dtype, x.constant, place(x.base, v)) for x in v]
    flags = [x.data.flags.writeable for x in v]
    total = sum((i + 1.0) * m.sum(x * x) for i, x in enumerate(v))
    total.backward()
    gradients = [x.grad for x in v]
    after = c.flags.writeable
    return log, state, flags, gradients, after, total.data


def place(base, variables):
    """Which of the variables the base is, if any."""
    return None if base is None else next((i for i, x in enumerate(variables) if x is base), "gone")


@given(programs(), st.sampled_from(SHAPES))
@settings(max_examples=150, derandomize=True)
def test_programs(lines, shape):
    start = np.cos(np.arange(float(np.prod(shape)))).reshape(shape)
    theirs = execute(mg, lines, start)
    mine = execute(wg, lines, start)
    log, state, flags, gradients, after, total = mine
    assert log == theirs[0], lines
    for a, b in zip(state, theirs[1], strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-12, err_msg=str(lines))
        assert a[1:] == b[1:], lines
    np.testing.assert_allclose(total, theirs[5], rtol=1e-10)
    assert all(mine or not its for mine, its in zip(flags, theirs[2], strict=True)), lines
    assert after == theirs[4] is True, lines
    for a, b in zip(gradients, theirs[3], strict=True):
        if b is not None:  # as it sometimes is there for views
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=str(lines))
            assert a.dtype == b.dtype


# Directed programs: the state after each line


DIRECTED = {
    "backward nulls what is upstream": "y = x * x; y.backward(); y = 2.0 * x; y.backward()",
    "backward of several elements": "y = x * x; y.backward(3.0)",
    "backward with a weight that broadcasts": "y = x * x; y.backward(np.array([1, 2, 3, 4]))",
    "a weight that does not": "y = x * x; y.backward(np.ones(3))",
    "a weight that is larger": "y = x * x; y.backward(np.ones((2, 4)))",
    "backward of a constant": "c = m.tensor(A, constant=True); y = c * 2; y.backward()",
    "without recording": "z = x * x\nwith m.no_autodiff: y = x * x; y.backward()",
    "clear_graph": "y = x * x; z = y + 1; z.clear_graph()",
    "use of a graded leaf": "y = x * x; y.backward(); v = x[:2]; w = v.grad; z = x * 2",
    "use of a graded leaf, unrecorded": "y = x * x; y.backward()\nwith m.no_autodiff: z = x * 2",
    "null_grad": "y = x * x; y.backward(); v = x[:2]; x.null_grad()",
    "views of views": "v = x[:3]; u = v[1:]; w = u.reshape(2, 1); y = m.sum(w * w); y.backward()",
    "views made afterwards": "y = m.sum(x * x); y.backward(); v = x[::-1]",
    "a view that is not part of it": "v = x[1:]; y = m.sum(x * x); y.backward()",
    "reshape of a transpose": "y = x.reshape(2, 2).T; z = y.reshape(-1); w = z.base is None",
    "the diagonal of einsum": "y = x.reshape(2, 2); d = m.einsum('ii->i', y); d[...] = 0.0; "
    "z = m.sum(x * x); z.backward()",
    "an empty view": "v = x[4:]; y = m.sum(v); y.backward()",
    "no dimensions": "s = m.tensor(2.0); v = s[...]; u = s[()]; v *= 3.0; y = s * 1.0; y.backward()",
    "T of a vector": "v = x.T; y = m.sum(v); w = v is x",
    "copy=False, ndmin": "v = m.tensor(x, copy=False, ndmin=2)",
    "setitem": "w = m.tensor([7.0, 8.0]); y = +x; y[:2] = w; z = m.sum(y * y); z.backward()",
    "setitem of a leaf": "w = m.tensor([7.0, 8.0]); x[:2] = w; z = m.sum(x * x); z.backward()",
    "setitem through a view": "y = +x; v = y[::-1]; v[0] = 5.0; z = m.sum(y * y) + m.sum(v); z.backward()",
    "the old value": "y = +x; old = y * y; y *= 2.0; z = m.sum(old * y); z.backward()",
    "a constant target": "c = m.tensor(A, constant=True); c[:2] = x[:2]; y = c * 2",
    "a constant target, all of it": "c = m.tensor(A, constant=True); c[...] = x; y = c * 2",
    "a constant target, added to": "c = m.tensor(A, constant=True); c += x; y = c * 2",
    "a constant value": "c = m.tensor(A, constant=True); x[...] = c; y = m.sum(x * x); y.backward()",
    "repeated indices": "w = m.tensor([7.0, 8.0]); y = +x; y[[0, 0]] = w; z = m.sum(y * y); z.backward()",
    "a mask": "y = +x; y[np.array([True, False, True, False])] = 0.0; z = m.sum(y * y); z.backward()",
    "out": "y = +x; z = m.multiply(x, x, out=y); w = m.sum(z); w.backward()",
    "out, an array": "o = np.zeros(4); z = m.multiply(x, x, out=o); same = z.data is o; w = m.sum(z); w.backward()",
    "out and where": "y = 3.0 * x; z = m.multiply(x, x, out=y, where=np.array([True, False, True, False])); "
    "w = m.sum(z); w.backward()",
    "where without out": "z = m.multiply(x, x, where=np.array([True, True, True, True])); w = m.sum(z); w.backward()",
    "setting the shape": "y = +x; v = y[:2]; y.shape = (2, 2); z = m.sum(y * y) + m.sum(v); z.backward()",
    "a bad shape": "y = +x; y.shape = (3,)",
    "a bad update": "y = +x; y[:2] = np.ones(3)",
    "a position out of range": "y = +x; y[7] = 1.0",
    "in place on a broadcast view": "y = m.broadcast_to(x, (2, 4)); y += 1.0",
    "read-only": "a = np.ones(4); a.flags.writeable = False; y = m.tensor(a, copy=False); y[0] = 2.0",
    "an update of an array in use": "a = np.ones(4); y = x * a; a[0] = 3.0",
    "an update of data in use": "d = x.data; y = x * x; d[0] = 3.0",
    "locks of constants": "a = np.ones(4); y = m.tensor(a, copy=False, constant=True) * 2",
    "locks of integers": "a = np.arange(4); y = m.tensor(a, copy=False) * 2",
    "a lock dropped": "a = np.ones(4); y = x * a; del y",
    "a lock of an operation that fails": "a = np.ones(3); y = x * a",
    "locks of a view": "a = np.ones(4); b = a[:2]; y = x[:2] * b; z = x * a; del z",
    "no guard": "a = np.ones(4)\nwith m.mem_guard_off: y = x * a",
    "no guard for something used": "a = np.ones(4); z = x * a\nwith m.mem_guard_off: y = x * a\ndel z",
    "unrecorded update": "d = x.data\nwith m.no_autodiff: x[0] = 9.0",
    "unrecorded update of something used": "y = x * x\nwith m.no_autodiff: x[0] = 9.0",
    "integers": "i = m.tensor([1, 2]); y = m.tensor([1, 2], constant=False)",
    "flags": "y = m.tensor(A, constant=1)",
    "a flag": "y = m.multiply(x, x, constant=True); z = y * x",
    "a constant is a constant": "c = m.tensor(A, constant=True); y = c * c; z = m.sum(y); w = z.constant",
    "astype": "y = x.astype(int); z = y.astype(float)",
    "comparisons": "y = x > 1; z = x == x",
    "kinks": "y = m.tensor([-1.0, 0.0, 1.0, 2.0]); z = m.sum(m.nnet.relu(y)); z.backward()",
}  # fmt: skip


def observed(m, program):
    scope = {"m": m, "np": np, "A": np.arange(1.0, 5.0), "x": m.tensor(np.arange(1.0, 5.0))}
    error = None
    try:
        exec(program, scope)  # noqa: S102 - a program of the table
    except (ValueError, TypeError, IndexError, mg.errors.InvalidBackprop, wg.errors.InvalidBackprop) as e:
        error = type(e).__mro__
    state = {}
    names = [n for n in scope if len(n) == 1 and n not in "mA"]
    tensors = {n: scope[n] for n in names if isinstance(scope[n], m.Tensor)}
    for name, x in tensors.items():
        base = next((n for n, t in tensors.items() if t is x.base), x.base)
        g = None if x.grad is None else x.grad.tolist()
        seen = {"data": x.data.tolist(), "dtype": x.dtype, "constant": x.constant, "base": base, "grad": g}
        seen |= {"cleared": x.creator is None, "writeable": x.data.flags.writeable}
        state |= {f"{name}.{what}": value for what, value in seen.items()}
    for name in names:
        if isinstance(scope[name], np.ndarray):
            state[name] = scope[name].tolist(), scope[name].dtype, scope[name].flags.writeable
        elif isinstance(scope[name], bool):
            state[name] = scope[name]
    return error, state


DIFFERENT = {
    "a view that is not part of it": {"x.writeable"},
    "the diagonal of einsum": {"x.writeable"},
    "no dimensions": {"s.writeable"},
    "a constant target": {"x.writeable", "c.writeable", "c.cleared"},
    "a constant target, all of it": {"x.writeable", "c.writeable", "c.cleared"},
    "a constant target, added to": {"x.writeable", "c.writeable", "c.cleared"},
    "no guard for something used": {"x.writeable"},
    "astype": {"y.writeable", "y.cleared"},
}
"""What differs, by the reasons above."""


@pytest.mark.parametrize("name", DIRECTED)
def test_directed_programs(name):
    program = DIRECTED[name]
    error, state = observed(wg, program)
    their_error, theirs = observed(mg, program)
    assert (error is None) == (their_error is None), (error, their_error)
    if error is not None:
        kinds = {k.__name__ for k in their_error} & {"ValueError", "TypeError", "IndexError", "InvalidBackprop"}
        assert kinds & {k.__name__ for k in error}
    different = {what for what in state.keys() | theirs.keys() if state.get(what) != theirs.get(what)}
    assert different == DIFFERENT.get(name, set())
