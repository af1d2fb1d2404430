"""Updates in place: what they do to values, histories, gradients and bases, what they cost, and what errors leave."""

import sys
import tracemalloc

import numpy as np
import pytest

import wengert as wg
from wengert.errors import InvalidBackprop

A = np.array([1.0, 2.0, 3.0, 4.0])


def grads(*tensors):
    return [None if t.grad is None else t.grad.tolist() for t in tensors]


# Gradients of what was updated and of what was written


def test_what_is_overwritten_has_no_gradient_and_what_is_written_has_its_slice():
    x, v = wg.tensor(A), wg.tensor([7.0, 8.0])
    y = x * 1.0
    y[1:3] = v
    np.sum(y * y).backward()
    assert grads(x, v) == [[2, 0, 0, 8], [14, 16]]


def test_the_gradient_of_an_updated_leaf_is_by_its_value_afterwards():
    x, v = wg.tensor(A), wg.tensor([7.0, 8.0])
    x[:2] = v
    np.sum(x * x).backward()
    assert grads(x, v) == [[14, 16, 6, 8], [14, 16]]
    assert x.creator is None


def test_what_used_the_old_value_keeps_it():
    x = wg.tensor(A)
    y = x * 1.0
    old = y * y
    y *= 3.0
    y[0] = 0.0
    new = y * y
    np.sum(old + new).backward()
    np.testing.assert_array_equal(x.grad, 2 * A + [0, *(18 * A[1:])])


def test_a_use_of_the_old_value_of_a_leaf():
    x = wg.tensor(A)
    old = np.sum(x * x)
    x[0] = 10.0
    (old + np.sum(x)).backward()
    assert grads(x) == [[1, 1, 1, 1]]  # by the value that it has now


def test_the_tensor_itself_and_views_of_it_as_the_value():
    x = wg.tensor(A)
    y = x * 1.0
    y[...] = y
    y[1:] = y[:-1]
    y[::-1] = y
    y[0] = y[-1]
    plain = A.copy()
    plain[1:] = plain[:-1].copy()
    plain[::-1] = plain.copy()
    plain[0] = plain[-1]
    np.testing.assert_array_equal(y.data, plain)
    np.sum(y * [1.0, 10.0, 100.0, 1000.0]).backward()
    assert grads(x) == [[1101, 10, 0, 0]]


def test_where_an_element_is_written_twice_the_last_counts():
    x, v = wg.tensor(A), wg.tensor([7.0, 8.0, 9.0])
    x[[0, 2, 0]] = v
    np.sum(x).backward()
    assert grads(x, v) == [[1, 1, 1, 1], [0, 1, 1]]


def test_out_is_an_update_and_where_leaves_the_old_value():
    x, old = wg.tensor(A), wg.tensor(10 * A)
    out = old * 1.0
    mask = np.array([True, False, True, False])
    assert np.multiply(x, x, out=out, where=mask) is out
    np.testing.assert_array_equal(out.data, [1, 20, 9, 40])
    np.sum(out).backward()
    assert grads(x, old) == [[2, 0, 6, 0], [0, 1, 0, 1]]
    x, out = wg.tensor(A), np.zeros(4)
    y = np.multiply(x, x, out=out, where=wg.tensor(mask))
    assert y.data is out
    np.sum(y).backward()
    assert grads(x) == [[2, 0, 6, 0]]


def test_the_target_decides_whether_the_result_is_constant():
    writes = (
        lambda x, v: x.__setitem__(slice(None), v),
        lambda x, v: x.__setitem__(..., v),
        lambda x, v: x.__setitem__(slice(2), v[:2]),
        lambda x, v: x.__iadd__(v),
        lambda x, v: np.multiply(v, v, out=x),
        lambda x, v: np.copyto(x, v),
        lambda x, v: x[1:].__setitem__(..., v[1:]),
        lambda x, v: np.add.at(x, [0], v[0]),
        lambda x, v: x.T.__imul__(v),
    )
    for write in writes:
        x, v = wg.tensor(A, constant=True), wg.tensor(A)
        write(x, v)
        assert x.constant
        assert (x * 2.0).constant
        x, v = wg.tensor(A), wg.tensor(A, constant=True)
        write(x, v)
        assert not x.constant
        np.sum(x * x).backward()
        np.testing.assert_array_equal(x.grad, 2 * x.data)
    i = wg.tensor([1, 2])
    i += 1
    assert i.constant


def test_the_object_stays_the_same_and_views_and_bases_follow():
    x = wg.tensor(A)
    same, v = x, x[1:]
    u = v[::-1]
    x += 1.0
    u[0] = 0.0
    v *= 2.0
    assert same is x
    assert v.base is x
    assert u.base is x
    np.testing.assert_array_equal(x.data, [2, 6, 8, 0])
    np.testing.assert_array_equal(u.data, [0, 8, 6])
    assert np.shares_memory(u.data, x.data)
    np.sum(u * v).backward()
    np.testing.assert_array_equal(x.grad, [0, 0, 16, 12])
    np.testing.assert_array_equal(v.grad, [0, 16, 12])
    assert u.grad.base is v.grad.base is x.grad


# Views and gradients


def test_gradients_of_views_are_views_of_their_bases_gradient():
    x = wg.tensor(A)
    v = x[:3]
    u = v[::-1]
    np.sum(u * u).backward()
    assert v.grad.base is x.grad
    assert u.grad.base is x.grad
    assert grads(v, u) == [[2, 4, 6], [6, 4, 2]]
    late = x.reshape(2, 2)
    assert late.grad.base is x.grad
    assert late.grad.tolist() == [[2, 4], [6, 0]]
    x.null_grad()
    assert grads(x, v, u, late) == [None] * 4


def test_the_gradient_of_a_view_may_be_nulled_alone():
    x = wg.tensor(A)
    v = x[:2]
    np.sum(x).backward()
    assert v.null_grad() is v
    assert grads(x, v) == [[1, 1, 1, 1], None]
    np.sum(x * 2.0).backward()
    assert v.grad.tolist() == [2, 2]


def test_taking_a_view_keeps_the_gradient_and_any_other_use_takes_it():
    x = wg.tensor(A)
    for use in (lambda: x * 2.0, lambda: np.sin(x), lambda: np.ones(4) * x, lambda: np.concatenate([x, x])):
        np.sum(x * x).backward()
        v = x[:1]
        assert grads(x, v) == [[2, 4, 6, 8], [2]]
        with wg.no_autodiff:
            use()
        assert grads(x) == [[2, 4, 6, 8]]
        use()
        assert grads(x, v) == [None, None]


def test_a_copy_has_a_copy_of_the_gradient():
    x = wg.tensor(A)
    np.sum(x * x).backward()
    y = x.copy()
    assert grads(x, y) == [[2, 4, 6, 8]] * 2
    assert not np.shares_memory(x.grad, y.grad)
    z = y * 3.0
    assert y.grad is None
    np.sum(z).backward()
    assert grads(x, y) == [[3] * 4] * 2  # a copy is recorded


def test_gradients_have_memory_of_their_own():
    x = wg.tensor(A)
    y = x + 0.0
    z = y.reshape(2, 2) * 1.0
    w = np.ones((2, 2))
    z.backward(w)
    arrays = [x.grad, y.grad, z.grad, w, x.data]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])


def test_backward_through_a_view_and_then_from_its_base():
    x = wg.tensor(A)
    v = x[:2]
    np.sum(v).backward()
    np.sum(x * x).backward()
    assert grads(x, v) == [[2, 4, 6, 8], [2, 4]]  # a view stays a view
    v[0] = 5.0
    assert x.data[0] == 5.0


def test_a_branch_whose_ancestor_was_cleared():
    x = wg.tensor(A)
    y = x * x
    a, b = np.sum(y), np.sum(2 * y)
    a.backward()
    assert y.creator is a.creator is None
    with pytest.raises(InvalidBackprop):
        b.backward()


# Setting the shape


def test_setting_the_shape_is_a_differentiable_reshape():
    x = wg.tensor(np.arange(6.0))
    y = x * 1.0
    v = y[1:3]
    y.shape = (2, -1)
    assert y.shape == (2, 3)
    y[1] = 0.0
    v[0] = 10.0
    np.testing.assert_array_equal(y.data, [[0, 10, 2], [0, 0, 0]])
    np.sum(y * y + np.sum(v)).backward()
    assert grads(x) == [[0, 0, 10, 0, 0, 0]]
    assert x.shape == (6,)


def test_a_bad_shape_leaves_all_as_it_was():
    x = wg.tensor(A)
    y = x * x
    for shape in ((3,), (2, 3), (-1, -1)):
        with pytest.raises((ValueError, AttributeError)):
            y.shape = shape
    z = y.reshape(2, 2).T
    with pytest.raises(AttributeError, match="memory"):
        z.shape = (4,)
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, 2 * A)


# Errors


def short(x):
    return wg.tensor(np.ones(3))


FAILURES = {
    "shape": lambda x: x.__setitem__(slice(2), np.ones(3)),
    "shape of a tensor": lambda x: x.__setitem__(slice(2), wg.tensor(np.ones(3))),
    "position": lambda x: x.__setitem__(7, 1.0),
    "positions": lambda x: x.__setitem__([0, 7], wg.tensor([1.0, 2.0])),
    "too many indices": lambda x: x.__setitem__((0, 0), 1.0),
    "mask": lambda x: x.__setitem__(np.array([True, False]), 1.0),
    "not a number": lambda x: x.__setitem__(0, "a"),
    "float index": lambda x: x.__setitem__(0.5, 1.0),
    "complex": lambda x: x.__setitem__(0, wg.tensor(1j)),
    "larger": lambda x: x.__iadd__(np.ones((2, 4))),
    "larger tensor": lambda x: x.__imul__(wg.tensor(np.ones((2, 4)))),
    "does not broadcast": lambda x: x.__iadd__(wg.tensor(np.ones(3))),
    "out": lambda x: np.add(np.ones((2, 4)), 1.0, out=x),
    "out of a tensor": lambda x: np.add(wg.tensor(np.ones(3)), 1.0, out=x),
    "out of matmul": lambda x: np.matmul(np.eye(3), wg.tensor(np.ones(3)), out=x),
    "where": lambda x: np.add(A, 1.0, out=x, where=np.ones(7, bool)),
    "copyto": lambda x: np.copyto(x, wg.tensor(np.ones(3))),
    "casting": lambda x: np.copyto(x, wg.tensor(1j)),
    "put": lambda x: np.put(x, [9], wg.tensor([3.0])),
    "putmask": lambda x: np.putmask(x, [True], wg.tensor([3.0])),
    "at": lambda x: np.add.at(x, [0, 9], wg.tensor([1.0, 2.0])),
    "set shape": lambda x: setattr(x, "shape", (3,)),
    "broadcast view": lambda x: np.broadcast_to(x, (2, 4)).__setitem__(0, 1.0),
    "broadcast view in place": lambda x: np.broadcast_to(x, (2, 4)).__iadd__(1.0),
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2).__setitem__(0, wg.tensor(1.0)),
    "sort": lambda x: x.sort(axis=3),
}  # fmt: skip


@pytest.mark.parametrize("through_a_view", [False, True])
@pytest.mark.parametrize("before", ["leaf", "result", "used", "graded", "handed out"])
@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
def test_an_update_that_raises_changes_nothing(fail, before, through_a_view):
    leaf = wg.tensor(A)
    x = leaf * 1.0 if before == "result" else leaf
    data = x.data if before == "handed out" else None
    y = np.sum(x * x) if before in ("used", "handed out") else None
    if before == "graded":
        np.sum(x * x).backward()
    target = x[:] if through_a_view else x
    state = grads(x), x.creator, x.constant, x.base, target.base, x.shape
    with pytest.raises((ValueError, TypeError, IndexError, AttributeError)):
        fail(target)
    assert (grads(x), x.creator, x.constant, x.base, target.base, x.shape) == state
    (np.sum(x * x) if y is None else y).backward()
    assert grads(leaf) == [[2, 4, 6, 8]]
    np.testing.assert_array_equal(x.data, A)
    del target, y
    if data is not None:
        assert data is x.data
        assert data.flags.writeable


def test_an_array_that_is_read_only_by_itself():
    a = A.copy()
    a.setflags(write=False)
    x = wg.tensor(a, copy=False)
    y = x * x
    for write in (
        lambda: x.__setitem__(0, 1.0),
        lambda: x.__imul__(2.0),
        lambda: x[1:].__setitem__(0, wg.tensor(5.0)),
        lambda: np.sin(y, out=x),
        x.sort,
        lambda: np.multiply(y, 2.0, out=a),
    ):
        with pytest.raises(ValueError, match="read-only"):
            write()
    np.testing.assert_array_equal(x.data, A)
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, 2 * A)


# Cost


def allocated(f):
    """How many bytes ``f`` allocates, all in all: what is added between any two calls of functions."""
    f()
    total = last = 0

    def look(*_):
        nonlocal total, last
        now = tracemalloc.get_traced_memory()[0]
        total += max(now - last, 0)
        last = now

    tracemalloc.start()
    try:
        last = tracemalloc.get_traced_memory()[0]
        sys.setprofile(look)
        f()
    finally:
        sys.setprofile(None)
        tracemalloc.stop()
    return total


SIZE, WRITES = 50_000, 100
WHOLE = 8 * SIZE


def test_allocations_are_counted():
    assert 5 * WHOLE <= allocated(lambda: [np.ones(SIZE).copy().sum() for _ in range(5)]) <= 11 * WHOLE


def write_slices(x, v):
    for i in range(WRITES):
        x[3 * i : 3 * i + 3] = v


def write_products(x, v):
    for i in range(WRITES):
        x[3 * i : 3 * i + 3] *= v


def write_recurrence(x, v):
    for i in range(1, WRITES):
        x[3 * i : 3 * i + 3] = np.sin(x[3 * i - 3 : 3 * i] * v) * x[3 * i - 3 : 3 * i]


def write_through_views(x, v):
    rows = x.reshape(-1, 5)
    for i in range(WRITES):
        rows[i][1:4] = v
        rows[i, 0] = v[0] * v[1]


def write_elements(x, v):
    for i in range(1, WRITES):
        x[i] = x[i - 1] * v[0]


def write_where_indices_say(x, v):
    for i in range(WRITES):
        x[[i, i + 7, 2 * i]] = v


WRITERS = [write_slices, write_products, write_recurrence, write_through_views, write_elements, write_where_indices_say]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("layout", ["dense", "strided"])
def test_writes_cost_what_they_write(writer, layout):
    start = np.linspace(0.5, 1.0, SIZE) if layout == "dense" else np.linspace(0.5, 1.0, 2 * SIZE)[::2]
    v = np.array([0.9, 0.8, 0.7])

    def f(x, v):
        writer(x, v)
        return np.sum(x)

    def by_hand():
        x, w = wg.tensor(start, copy=False), wg.tensor(v)
        y = x if writer is write_slices else x * 1.0
        f(y, w).backward()

    def without_recording():
        x = wg.tensor(start)
        with wg.no_autodiff:
            f(x, v)

    runs = [by_hand, without_recording, lambda: wg.grad(f, (0, 1))(start, v), lambda: wg.vjp(f, start, v)[1](1.0)]
    if writer not in (write_products, write_through_views):
        runs.append(lambda: wg.jvp(f, (start, v), (start, v)))
    for run in runs:
        assert allocated(run) < 30 * WHOLE


@pytest.mark.parametrize("writer", WRITERS)
def test_writes_into_an_array_that_was_saved_copy_it_once(writer):
    start, v = np.linspace(0.5, 1.0, SIZE), np.array([0.9, 0.8, 0.7])

    def f(x, v):
        saved = np.sum(x * x)
        view = x[10:20]
        writer(x, v)
        return saved + np.sum(x) + np.sum(view * view)

    assert allocated(lambda: wg.grad(f, (0, 1))(start, v)) < 40 * WHOLE
