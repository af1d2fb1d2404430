"""``no_autodiff`` and ``debug``: what they change, for whom, and until when."""

import asyncio
import threading

import numpy as np
import pytest

import wengert as wg
from wengert.errors import SavedValueChanged

A = np.array([1.0, -2.0, 3.0, 0.5])


def recorded():
    """Whether an operation is recorded here."""
    y = wg.tensor(A) * 2.0
    assert not y.constant
    return y.creator is not None


# no_autodiff


def test_nothing_is_recorded_within_the_context():
    a, x = np.ones(4), wg.tensor(A)
    with wg.no_autodiff:
        for y in (x * a, np.sin(x), x[1:], x @ a, np.where(a > 0, x, a), wg.add(a, a), np.concatenate([x, a]), x[0]):
            assert y.creator is None
            assert isinstance(y, wg.Tensor)
            assert y.data.flags.writeable
        assert a.flags.writeable
        assert x.data.flags.writeable
    assert recorded()


def test_constants_are_inferred_as_ever():
    with wg.no_autodiff:
        x = wg.tensor(A)
        assert not (x * 2.0).constant
        assert not np.sin(x).constant
        assert not x[1:].constant
        assert (wg.tensor(A, constant=True) * 2.0).constant
        assert wg.tensor([1, 2]).constant
        assert x.astype(int).constant


def test_backward_does_nothing():
    x = wg.tensor(A)
    y = np.sum(x * x)
    with wg.no_autodiff:
        y.backward()
        assert x.grad is None
    y.backward()
    np.testing.assert_array_equal(x.grad, 2 * A)
    with wg.no_autodiff:
        z = np.sum(x * 2.0)
        z.backward()
        np.testing.assert_array_equal(x.grad, 2 * A)  # which operations here do not take away


def test_results_are_leaves_afterwards():
    with wg.no_autodiff:
        y = wg.tensor(A) * 3.0
    np.sum(y * y).backward()
    np.testing.assert_array_equal(y.grad, 6 * A)


def test_contexts_nest_and_restore():
    with wg.no_autodiff:
        with wg.no_autodiff, wg.mem_guard_on:
            assert not recorded()
        assert not recorded()
        with pytest.raises(RuntimeError), wg.no_autodiff:
            raise RuntimeError
        assert not recorded()
    assert recorded()
    with pytest.raises(RuntimeError), wg.no_autodiff:
        raise RuntimeError
    assert recorded()


def test_decorated_functions():
    @wg.no_autodiff
    def plain(x):
        """Double."""
        assert not recorded()
        return 2.0 * x

    @wg.no_autodiff(to_numpy=True)
    def to_numpy(x):
        return {"y": 2.0 * x, "several": (x, 1, "name")}

    y = plain(wg.tensor(A))
    assert isinstance(y, wg.Tensor)
    assert (plain.__name__, plain.__doc__) == ("plain", "Double.")
    results = to_numpy(wg.tensor(A))
    assert type(results["y"]) is type(results["several"][0]) is np.ndarray
    assert results["several"][1:] == (1, "name")
    assert type(wg.no_autodiff(lambda: wg.tensor(1.0) * 2, to_numpy=True)()) is np.ndarray
    assert recorded()
    with pytest.raises(ZeroDivisionError):
        wg.no_autodiff(lambda: 1 / 0)()
    assert recorded()
    with pytest.raises(TypeError, match="decorates a function"):
        wg.no_autodiff(3)


def test_it_may_be_written_with_a_call():
    with wg.no_autodiff():
        assert not recorded()


def test_each_thread_has_its_own():
    entered, leave, seen = threading.Event(), threading.Event(), []

    def other():
        with wg.no_autodiff:
            entered.set()
            leave.wait(10)
            seen.append(recorded())

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(10)
    assert recorded()
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * x))(A), 2 * A)
    leave.set()
    thread.join()
    assert seen == [False]


def test_each_task_has_its_own():
    seen = []

    async def within():
        with wg.no_autodiff:
            await asyncio.sleep(0.002)
            seen.append(("within", recorded()))

    async def outside():
        await asyncio.sleep(0.001)
        seen.append(("outside", recorded()))

    @wg.no_autodiff(to_numpy=True)
    async def decorated():
        await asyncio.sleep(0.001)
        assert not recorded()
        return wg.tensor(A) * 2.0

    async def main():
        *_, y = await asyncio.gather(within(), outside(), decorated())
        assert type(y) is np.ndarray

    asyncio.run(main())
    assert sorted(seen) == [("outside", True), ("within", False)]


# no_autodiff: memory


def test_updates_write_to_the_very_memory():
    x = wg.tensor(A)
    data = x.data
    with wg.no_autodiff:
        v = x[1:]
        v[0] = 7.0
        x *= 2.0
        np.add(x, 1.0, out=x)
        x[[0, 0]] += 1.0
        v[:1] -= 1.0
        x.sort()
    expected = A.copy()
    expected[1] = 7.0
    expected = expected * 2.0 + 1.0
    expected[0] += 1.0
    expected[1] -= 1.0
    np.testing.assert_array_equal(data, np.sort(expected))
    assert x.data is data
    assert np.shares_memory(v.data, data)
    assert v.base is x
    assert x.creator is None
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, 2 * data)


def test_views_made_within_alias_afterwards():
    x = wg.tensor(A)
    with wg.no_autodiff:
        v = x[1:][::-1]
    v[0] = 9.0
    assert x.data[3] == 9.0
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, [2, -4, 6, 18])
    np.testing.assert_array_equal(v.grad, [18, 6, -4])


@pytest.mark.parametrize("shown", [True, False])
def test_what_a_live_graph_uses_can_not_be_written_to(shown):
    x = wg.tensor(A)
    y = np.sum(x * x)
    if shown:
        assert not x.data.flags.writeable
    with wg.no_autodiff:
        for write in (lambda: x.__setitem__(0, 5.0), lambda: x.__imul__(2.0), lambda: np.sin(A, out=x), x.sort):
            with pytest.raises(ValueError, match="read-only"):
                write()
        with pytest.raises(ValueError, match="read-only"):
            x[1:][0] = 5.0
    np.testing.assert_array_equal(x.data, A)
    y.backward()
    np.testing.assert_array_equal(x.grad, 2 * A)


def test_a_result_that_is_used_can_not_be_written_to():
    x = wg.tensor(A)
    y = np.exp(x)
    z = np.sum(y)
    with wg.no_autodiff:
        with pytest.raises(ValueError, match="read-only"):
            y[0] = 5.0
        with pytest.raises(ValueError, match="read-only"):
            y[1:] *= 5.0
    z.backward()
    np.testing.assert_array_equal(x.grad, np.exp(A))


def test_what_was_recorded_without_the_guard_is_not_protected():
    x = wg.tensor(A)
    with wg.mem_guard_off:
        y = np.sum(x * 3.0)
    with wg.no_autodiff:
        x[0] = 5.0
    y.backward()
    assert x.data[0] == 5.0


def test_an_update_that_fails_changes_nothing():
    x = wg.tensor(A)
    with wg.no_autodiff:
        for write in (
            lambda: x.__setitem__(slice(2), np.ones(3)),
            lambda: x.__setitem__(9, 1.0),
            lambda: x.__iadd__(np.ones((2, 4))),
            lambda: np.broadcast_to(x, (2, 4)).__setitem__(0, 1.0),
        ):
            with pytest.raises((ValueError, IndexError)):
                write()
    np.testing.assert_array_equal(x.data, A)


# no_autodiff and transformations


def test_within_a_function_that_is_differentiated():
    def f(x):
        with wg.no_autodiff:
            scale = np.max(np.abs(x))
        return np.sum(x * x) / scale

    np.testing.assert_allclose(wg.grad(f)(A), 2 * A / 3.0)
    np.testing.assert_allclose(wg.jvp(f, (A,), (A,))[1], np.sum(2 * A * A) / 3.0)
    np.testing.assert_allclose(wg.hvp(f, (A,), (A,)), 2 * A / 3.0)


def test_a_transformation_called_within():
    with wg.no_autodiff:
        np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * x))(A), 2 * A)
        np.testing.assert_array_equal(wg.hessian(lambda x: np.sum(x * x))(A), 2 * np.eye(4))
        np.testing.assert_array_equal(wg.jvp(lambda x: x * x, (A,), (A,))[1], 2 * A * A)
    outer = wg.tensor(A)
    with wg.no_autodiff:
        g = wg.grad(lambda x: np.sum(x * x * outer))(A)
    assert not isinstance(g, wg.Tensor) or g.creator is None


def test_an_inner_transformation_within_the_context_within_a_function():
    def f(x):
        with wg.no_autodiff:
            slope = wg.grad(lambda z: np.sum(z**3))(x)
        return np.sum(x * slope)

    np.testing.assert_allclose(wg.grad(f)(A), 3 * A**2)


def test_transformations_inside_a_decorated_function():
    @wg.no_autodiff
    def f(x):
        return np.sum(x * x)

    with pytest.raises(wg.errors.OutputError):
        wg.grad(lambda x: str(f(x)))(A)
    np.testing.assert_array_equal(wg.grad(lambda x: f(x) * np.sum(x))(A), np.sum(A * A))


# debug


def test_debug_names_the_operation_and_its_line():
    a = np.ones(4)
    before = a[:]
    with wg.debug():
        y = np.sum(np.sin(wg.tensor(A) * a))  # this line
    before[0] = 5.0
    with pytest.raises(SavedValueChanged, match=r"input of multiply.*test_modes\.py, line \d+: .*# this line"):
        y.backward()


@pytest.mark.parametrize("use", [lambda t: np.sin(t), lambda t: t * t, lambda t: t**3, lambda t: np.matmul(t, t)])
def test_debug_sees_writes_to_a_tensors_own_memory(use):
    a = np.ones(4)
    before = a[:]
    x = wg.tensor(a, copy=False)
    with wg.debug():
        y = np.sum(use(x))
    before[1] = 5.0
    with pytest.raises(SavedValueChanged):
        y.backward()


def test_debug_within_transformations():
    a = np.ones(4)
    before = a[:]

    def f(x):
        y = np.sum(np.exp(x * a))
        before[0] += 1.0
        return y

    for run in (wg.grad(f), wg.value_and_grad(f), lambda x: wg.vjp(f, x)[1](1.0)):
        with wg.debug(), pytest.raises(SavedValueChanged):
            run(A)


def test_debug_says_nothing_where_nothing_was_changed():
    with wg.debug():
        x = wg.tensor(A)
        y = np.exp(x)
        z = y * y
        y[0] = 5.0
        y[1:] *= 2.0
        np.sum(z * y).backward()
    e = np.exp(A)
    np.testing.assert_allclose(x.grad, [10 * e[0] ** 2, *(6 * e[1:] ** 3)])


def test_debug_is_for_what_was_recorded_within():
    a = np.ones(4)
    before = a[:]
    x = wg.tensor(A)
    y = np.sum(x * a)
    before[0] = 5.0
    with wg.debug:
        y.backward()
    assert wg.debug(lambda: 3)() == 3


def test_generators_are_refused():
    def values():
        yield 1

    with pytest.raises(TypeError, match="no_autodiff can't decorate values: a generator"):
        wg.no_autodiff(values)
