"""``vmap``: axes and trees, its nestings with other transformations, views and updates, errors."""

from dataclasses import dataclass

import numpy as np
import pytest

import wengert as wg
from tests.programs import Program
from wengert.arrays.batched import Batched
from wengert.core.op import Op
from wengert.core.registry import OPS
from wengert.errors import ConversionError, InputError, OutputError, UnsupportedFunction
from wengert.ops.batching import BATCHING, one_by_one, rule_of

RNG = np.random.default_rng(1964)
X = RNG.normal(size=(4, 3))
W = RNG.normal(size=(3, 3))
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def layer(x):
    return np.tanh(W @ x)


def energy(x):
    return np.sum(layer(x) ** 2)


def kinked(x):
    """With elements that are not selected, where the derivative of what was not chosen is infinite or NaN."""
    with np.errstate(invalid="ignore"):
        return np.sum(np.where(x > 0, np.sqrt(x), x)) + np.max(x) + np.sum(np.abs(x[1:]))


def updated(x):
    y = x.copy()
    y[0] = 2 * x[1]
    shown = y[1:]
    shown *= 3
    shown.T[-1] += 1.0
    return np.sum(y * y * x)


def assert_stacks(found, expected, **tolerance):
    np.testing.assert_allclose(found, np.stack(list(expected)), **(tolerance or EXACT), strict=True)


# Axes and trees


def test_axes_of_arguments_and_results():
    a, b = RNG.normal(size=(2, 5, 3)), RNG.normal(size=(3, 5))
    found = wg.vmap(lambda a, b, c: (a * c, b + 1.0), in_axes=(1, -1, None), out_axes=(-1, 0))(a, b, 2.0)
    np.testing.assert_array_equal(found[0], np.moveaxis(2.0 * a, 1, -1))
    np.testing.assert_array_equal(found[1], b.T + 1.0)


def test_a_function_sees_one_example():
    seen = {}

    def f(x):
        seen.update(shape=x.shape, ndim=x.ndim, size=x.size, length=len(x), nbytes=x.nbytes, strides=x.strides)
        seen.update(
            text=repr(x), rows=len(list(x)), transposed=x.T.shape, flat=len(x.flat), like=np.zeros_like(x).shape
        )
        return x.reshape(-1)

    assert wg.vmap(f)(np.ones((7, 2, 3))).shape == (7, 6)
    assert seen == {
        "shape": (2, 3), "ndim": 2, "size": 6, "length": 2, "nbytes": 48, "strides": (24, 8), "rows": 2,
        "text": "Batched(float64, shape=(2, 3), examples=7)", "transposed": (3, 2), "flat": 6, "like": (2, 3),
    }  # fmt: skip


@dataclass
class Layer:
    weights: object
    bias: object


def test_trees():
    layers = Layer(RNG.normal(size=(4, 2, 3)), RNG.normal(size=(2,)))

    def f(layer, data):
        return {"y": layer.weights @ data["x"] + layer.bias, "both": [data["x"], data["scale"]]}

    found = wg.vmap(f, in_axes=(Layer(0, None), {"x": 0, "scale": None}), out_axes={"y": 1, "both": [0, 0]})(
        layers, {"x": X, "scale": 2.0}
    )
    assert_stacks(found["y"].T, [w @ x + layers.bias for w, x in zip(layers.weights, X, strict=True)])
    np.testing.assert_array_equal(found["both"][0], X)
    np.testing.assert_array_equal(found["both"][1], np.full(4, 2.0))


def test_an_axis_for_a_whole_branch():
    found = wg.vmap(lambda pair, c: pair["a"] * pair["b"] + c, in_axes=(1, None))({"a": X.T, "b": X.T}, W[0])
    np.testing.assert_array_equal(found, X * X + W[0])


def test_keyword_arguments_lie_along_the_first_axis():
    np.testing.assert_array_equal(wg.vmap(lambda x, *, shift: x + shift["by"])(X, shift={"by": X}), 2.0 * X)


def test_a_result_that_is_the_same_for_all():
    found = wg.vmap(lambda x: (x, np.ones(2), 3.0), out_axes=(0, None, 0))(X)
    assert found[1].shape == (2,)
    np.testing.assert_array_equal(found[2], np.full(4, 3.0))


def test_what_is_not_batched_keeps_its_values():
    def f(x, steps, table):
        for _ in range(steps):
            x = x * 2.0 if table[0] > 0 else x
        return x * float(table[1])

    np.testing.assert_array_equal(wg.vmap(f, (0, None, None))(X, 2, np.array([1.0, 0.5])), 2.0 * X)


@pytest.mark.parametrize("transform", [lambda f: f, wg.grad])
@pytest.mark.parametrize("count", [0, 1])
def test_no_examples_and_one(count, transform):
    f = transform(lambda x: np.sum(np.sort(layer(x)) * np.convolve(x, x)[1:4]))
    x = X[:count]
    found = wg.vmap(f)(x)
    assert found.dtype == np.float64
    assert found.shape == (count, *np.shape(f(X[0])))
    if count:
        assert_stacks(found, map(f, x))


def test_arguments_are_left_alone():
    x, table = X.copy(), W.copy()

    def f(x, table):
        x[0] = 1.0
        table[0] = x
        return table

    found = wg.vmap(f, (0, None))(x, table)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(table, W)
    np.testing.assert_array_equal(found[:, 0], np.column_stack([np.ones(4), X[:, 1:]]))
    np.testing.assert_array_equal(found[:, 1:], np.broadcast_to(W[1:], (4, 2, 3)))


def test_arguments_can_not_be_overwritten_on_the_way():
    batch = X.copy()

    def f(x):
        y = x * x
        batch[0] = 0.0
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only"):
        wg.vmap(f)(batch)
    batch[0] = 0.0


def test_results_are_the_callers_own():
    found = wg.vmap(lambda x: (x, x[1:], 2.0))(X)
    found[0][...] = 0.0
    found[1][...] = 0.0
    found[2][0] = 7.0
    assert np.all(X != 0.0)
    assert found[2][1] == 2.0


# Nestings


@pytest.mark.parametrize("f", [energy, kinked, updated], ids=lambda f: f.__name__)
def test_nestings(f):
    def along(x):
        return wg.jvp(f, (x,), (np.cos(x),))[1]

    def curved(x):
        return wg.hvp(f, (x,), (np.cos(x),))

    for g in (f, wg.grad(f), along, curved, wg.hessian(f), wg.jacobian(lambda x: f(x) * x), wg.grad(along)):
        assert_stacks(wg.vmap(g)(X), map(g, X))
    gradients = np.stack([wg.grad(f)(x) for x in X])
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(wg.vmap(f)(x)))(X), gradients, **EXACT)
    np.testing.assert_allclose(wg.jvp(wg.vmap(f), (X,), (np.cos(X),))[1], [along(x) for x in X], **EXACT)
    jacobian = wg.jacobian(wg.vmap(f))(X)
    np.testing.assert_allclose(jacobian, gradients * np.eye(4)[:, :, None], **EXACT)
    products = wg.hvp(lambda x: np.sum(wg.vmap(f)(x)), (X,), (np.cos(X),))
    np.testing.assert_allclose(products, [curved(x) for x in X], **EXACT)
    both = np.stack([X, X[::-1] + 0.1])
    twice = wg.vmap(wg.vmap(wg.grad(f), in_axes=1, out_axes=1), in_axes=0)(np.swapaxes(both, 1, 2))
    np.testing.assert_allclose(np.swapaxes(twice, 1, 2), [[wg.grad(f)(x) for x in part] for part in both], **EXACT)
    within = wg.vmap(wg.grad(lambda part: np.sum(wg.vmap(f)(part))))(both)
    np.testing.assert_allclose(within, [[wg.grad(f)(x) for x in part] for part in both], **EXACT)


def test_batches_in_batches():
    np.testing.assert_allclose(wg.vmap(wg.vmap(np.dot, (None, 0)), (0, None))(X, X), X @ X.T, **EXACT)
    np.testing.assert_allclose(wg.vmap(wg.vmap(np.dot, (0, None)), (None, 0))(X, X), X @ X.T, **EXACT)
    positions = RNG.integers(0, 3, (2, 4))
    found = wg.vmap(lambda table: wg.vmap(lambda x, i: table[i] * x[i])(X, positions[1]))(RNG.normal(size=(2, 3)))
    assert found.shape == (2, 4)


def test_not_selected_in_some_examples():
    """Zeros stay zero where an example has not selected an element, whatever the others have done."""
    f = wg.grad(lambda x, y: np.where(x > 0, np.sqrt(x), 3.0 * y) * np.where(y > 0, 1.0 / y, 1.0), (0, 1))
    x, y = np.array([-1.0, 0.0, 4.0, -1.0]), np.array([0.0, 2.0, 0.0, 2.0])
    with np.errstate(all="ignore"):
        found = wg.vmap(f)(x, y)
        expected = [f(*xy) for xy in zip(x, y, strict=True)]
    for k in range(2):
        assert_stacks(found[k], [g[k] for g in expected])


def test_conventions_hold_for_each_example():
    x = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    for f in (np.linalg.norm, np.max, np.std, lambda x: np.maximum(x[0], x[1]), lambda x: np.prod(x)):
        assert_stacks(wg.vmap(wg.grad(f))(x), map(wg.grad(f), x))


def test_vjp_of_each_example():
    def f(x):
        value, pullback = wg.vjp(layer, x)
        return pullback(value * x)

    assert_stacks(wg.vmap(f)(X), map(f, X))
    value, pullback = wg.vjp(wg.vmap(layer), X)
    assert_stacks(pullback(value), [wg.vjp(layer, x)[1](layer(x)) for x in X])


def test_aux_of_each_example():
    gradient, aux = wg.vmap(wg.grad(lambda x: (energy(x), {"layer": layer(x)}), has_aux=True))(X)
    assert_stacks(gradient, map(wg.grad(energy), X))
    assert_stacks(aux["layer"], map(layer, X))


def test_a_persons_tensor_is_recorded():
    t = wg.tensor(W)
    np.sum(wg.vmap(lambda x: np.sum(np.tanh(t @ x)))(X)).backward()
    np.testing.assert_allclose(t.grad, wg.grad(lambda w: sum(np.sum(np.tanh(w @ x)) for x in X))(W), **EXACT)
    batch = wg.tensor(X)
    np.sum(wg.vmap(energy)(batch)).backward()
    assert_stacks(batch.grad, map(wg.grad(energy), X))


def test_no_autodiff_and_stop_gradient():
    def f(x):
        with wg.no_autodiff:
            scale = np.sum(x)
        return scale * np.sum(x) + np.sum(wg.stop_gradient(x) * x)

    assert_stacks(wg.vmap(wg.grad(f))(X), map(wg.grad(f), X))
    assert_stacks(wg.grad(lambda x: np.sum(wg.vmap(f)(x)))(X), map(wg.grad(f), X))


# Rules of a person's own


@wg.custom_gradient
def scaled(x, w):
    return np.sum(np.sin(w @ x)), lambda g: (2 * g * x, 3 * g * w)


@wg.custom_gradient
def several(x):
    return (x * x, {"sum": np.sum(x)}), lambda g: 5 * g[0] * x + g[1]["sum"]


def of_several(x):
    y, rest = several(x)
    return np.sum(y * rest["sum"])


@pytest.mark.parametrize("f", [lambda x: scaled(x * x, W), of_several], ids=["scaled", "several"])
def test_custom_gradients(f):
    for g in (f, wg.grad(f), wg.hessian(f), lambda x: wg.jvp(f, (x,), (x,))[1]):
        assert_stacks(wg.vmap(g)(X), map(g, X))
    assert_stacks(wg.grad(lambda x: np.sum(wg.vmap(f)(x)))(X), map(wg.grad(f), X))
    assert_stacks(wg.jvp(wg.vmap(f), (X,), (X,))[1], [wg.jvp(f, (x,), (x,))[1] for x in X])
    both = np.stack([X, X + 0.1])
    found = wg.grad(lambda x: np.sum(wg.vmap(wg.vmap(f))(x)))(both)
    np.testing.assert_allclose(found, [[wg.grad(f)(x) for x in part] for part in both], **EXACT)


def test_custom_gradient_by_what_is_the_same_for_all():
    found = wg.grad(lambda w: np.sum(wg.vmap(lambda x: scaled(x, w))(X)))(W)
    np.testing.assert_allclose(found, sum(wg.grad(scaled, 1)(x, W) for x in X), **EXACT)


def test_a_jacobian_whose_pullback_knows_no_batches():
    """It is made row by row then."""

    @wg.custom_gradient
    def choosy(x):
        return 2.0 * x, lambda g: (2.0 if g.tolist() else 0.0) * g

    np.testing.assert_array_equal(wg.jacobian(choosy)(np.arange(8.0)), 2.0 * np.eye(8))


@pytest.mark.parametrize("size", [5, 6, 130])
def test_jacobians_of_many_rows(size):
    """However the rows are gathered for the backward pass."""
    a = np.random.default_rng(size).normal(size=(size, size)) / size
    x = np.linspace(-1.0, 1.0, size)
    slope = (1.0 - np.tanh(a @ x) ** 2)[:, None] * a
    np.testing.assert_allclose(wg.jacobian(lambda x: np.tanh(a @ x))(x), slope, rtol=1e-13, atol=1e-14)
    z = x + 0.5j
    np.testing.assert_allclose(wg.jacobian(lambda z: np.sin(a @ z))(z), np.cos(a @ z)[:, None] * a, rtol=1e-12)
    inner = wg.grad(lambda x: np.sum(wg.jacobian(lambda x: np.tanh(a @ x))(x)))(x)
    np.testing.assert_allclose(inner, a.T @ (-2.0 * np.tanh(a @ x) * (1.0 - np.tanh(a @ x) ** 2) * a.sum(1)), rtol=1e-9)


def test_a_jacobian_with_an_infinite_row():
    """Zeros of the unit vectors stay zero, where many are pulled back together."""
    x = np.arange(8.0)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(wg.jacobian(np.sqrt)(x), np.diag(0.5 / np.sqrt(x)))


# Reading and writing


@pytest.mark.parametrize("seed", range(60))
def test_programs_with_views_and_updates(seed):
    program = Program(seed)
    x = np.random.default_rng(seed).normal(size=(3, *program.shape))
    values = [program(part.copy()) for part in x]
    gradients = [wg.grad(program)(part) for part in x]
    np.testing.assert_allclose(wg.vmap(program)(x), values, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(wg.vmap(program, -1)(np.moveaxis(x, 0, -1)), values, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(wg.vmap(wg.grad(program))(x), gradients, rtol=1e-9, atol=1e-9)
    total = wg.grad(lambda x: np.sum(wg.vmap(program)(x)))
    np.testing.assert_allclose(total(x), gradients, rtol=1e-9, atol=1e-9)


def random_index(rng, shape, count):
    """Parts of an index into an array of ``shape``, and the arrays of positions in it that differ by example.

    These stand in the index as their numbers, in a tuple.
    """
    parts, by_example, axis = [], [], 0
    wide = tuple(rng.integers(1, 3, rng.integers(0, 3)))
    while axis < len(shape):
        n = shape[axis]
        kind = rng.integers(0, 9)
        if kind == 0:
            parts.append(int(rng.integers(-n, n)))
        elif kind <= 2:
            parts.append(slice(*[(None, 0, 1, -1)[i] for i in rng.integers(0, 4, 2)], int(rng.choice([1, -1, 2]))))
        elif kind == 3:
            parts.append(None)
            continue
        elif kind == 4 and Ellipsis not in parts:
            parts.append(Ellipsis)
            axis += int(rng.integers(0, len(shape) - axis + 1))
            continue
        elif kind == 5:
            parts.append(rng.integers(-n, n, wide).tolist())
        elif kind <= 7:
            parts.append((len(by_example),))
            by_example.append(rng.integers(-n, n, (count, *wide[rng.integers(0, len(wide) + 1) :])))
        else:
            break
        axis += 1
    return parts, by_example


@pytest.mark.parametrize("seed", range(120))
def test_indices(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 4, rng.integers(1, 4)))
    x = rng.normal(size=(3, *shape))
    parts, by_example = random_index(rng, shape, 3)

    def index(positions):
        return tuple([positions[p[0]] if type(p) is tuple else p for p in parts])

    form = x[0][index([b[0] for b in by_example])].shape
    values = rng.normal(size=(3, *form[int(rng.integers(0, len(form) + 1)) :]))

    def read(x, v, *positions):
        return np.sin(x[index(positions)]) + v

    def write(x, v, *positions):
        y = x.copy()
        y[index(positions)] = v
        return y * x

    def write_into_new(x, v, *positions):
        y = np.zeros_like(x)
        y[index(positions)] = v
        return y * x

    def add(x, v, *positions):
        y = x.copy()
        np.add.at(y, index(positions), v)
        return y

    def write_through_a_view(x, v, *positions):
        y = np.transpose(np.copy(np.transpose(x)))
        y[::-1][::-1][index(positions)] = v
        return y * x

    for f in (read, write, write_into_new, add, write_through_a_view):
        weights = np.cos(np.arange(np.size(f(x[0], values[0], *[b[0] for b in by_example]))))

        def total(*args, f=f, weights=weights):
            return np.sum(np.ravel(f(*args)) * weights)

        for mapped in ((0, 0), (0, None), (None, 0)):
            given = [a if axis == 0 else a[0] for a, axis in zip((x, values), mapped, strict=True)]
            axes = (*mapped, *(0,) * len(by_example))
            examples = [
                [a[i] if axis == 0 else a for a, axis in zip((*given, *by_example), axes, strict=True)]
                for i in range(3)
            ]
            assert_stacks(wg.vmap(f, axes)(*given, *by_example), [f(*example) for example in examples])
            gradient = wg.grad(total, (0, 1))
            expected = [gradient(*example) for example in examples]
            for k, g in enumerate(wg.vmap(gradient, axes)(*given, *by_example)):
                assert_stacks(g, [e[k] for e in expected])

            def of_all(a, b, axes=axes, total=total):
                return np.sum(wg.vmap(total, axes)(a, b, *by_example))

            for k, g in enumerate(wg.grad(of_all, (0, 1))(*given)):
                stack = np.stack([e[k] for e in expected])
                np.testing.assert_allclose(g, stack if mapped[k] == 0 else stack.sum(0), **EXACT)


def test_tables_are_read_where_each_example_says():
    table, positions = RNG.normal(size=(5, 2)), RNG.integers(0, 5, (4, 3))
    np.testing.assert_array_equal(wg.vmap(lambda t, i: t[i], (None, 0))(table, positions), table[positions])
    np.testing.assert_array_equal(wg.vmap(lambda i: wg.tensor(table)[i])(positions), table[positions])
    slope = wg.grad(lambda t: np.sum(wg.vmap(lambda i: t[i])(positions)))(table)
    np.testing.assert_array_equal(slope, np.repeat(np.bincount(positions.ravel(), minlength=5)[:, None], 2, 1))


def test_numbers_are_no_arrays():
    """An element is one of NumPy's scalars, which ``+=`` does not change; a view without axes is an array."""

    def f(x):
        element = x[0]
        kept = element
        element += 1.0
        shown = x[1, ...]
        seen = shown
        shown += 1.0
        return kept + 10.0 * element + 100.0 * seen + 1000.0 * x[1]

    assert_stacks(wg.vmap(f)(X), [f(x.copy()) for x in X])
    assert_stacks(wg.grad(lambda x: np.sum(wg.vmap(f)(x)))(X), map(wg.grad(f), X))


# What an entry has to say


def test_operations_without_a_rule_are_done_one_by_one():
    op = Op("flipped_by_size", "linear", lambda x: np.flip(x) * x.size, ("x",), (lambda g: np.flip(g) * g.size,))
    assert rule_of(op) is one_by_one
    assert_stacks(wg.vmap(lambda x: x._apply_alone(op))(X), [x[::-1] * 3 for x in X])


def test_an_operation_of_the_same_name_has_no_part_in_a_rule():
    assert rule_of(Op("sum", "linear", np.sum, ("x",))) is one_by_one
    assert rule_of(OPS["sum"]) is BATCHING["sum"]


def test_rules_are_for_operations_that_there_are():
    assert {name for name in BATCHING if isinstance(name, str)} <= OPS.keys()


def test_shapes_that_differ_can_not_be_stacked():
    op = Op("shortened", "structured", lambda x: x[x > 0], ("x",))
    with pytest.raises(InputError, match="depends on the values"):
        wg.vmap(lambda x: x._apply_alone(op))(np.array([[1.0, 2.0], [1.0, -1.0]]))


# Errors


@pytest.mark.parametrize(
    ("f", "remedy"),
    [
        (lambda x: 1.0 if x[0] > 0 else 2.0, "np.where"),
        (lambda x: float(x[0]), "NumPy's functions"),
        (lambda x: int(x[0]), "NumPy's functions"),
        (lambda x: x.item(), "NumPy's functions"),
        (lambda x: x.tolist(), "NumPy's functions"),
        (lambda x: W[x.astype(int)], r"wg.tensor\(plain_array\)"),
        (lambda x: W[np.argmax(x)], r"wg.tensor\(plain_array\)"),
        (lambda x: np.array([x[0], x[1]]), "np.stack"),
        (lambda x: np.zeros((1, 3)).__setitem__(0, x), "np.zeros_like"),
        (lambda x: list(range(np.argmax(x))), r"wg.tensor\(array\)"),
        (np.nonzero, "np.where"),
        (np.argwhere, "np.where"),
        (np.unique, "np.where"),
        (lambda x: np.repeat(x, np.argsort(x)), "NumPy's functions"),
        (np.array_str, "np.where"),
    ],
)
def test_values_of_one_example_can_not_be_had(f, remedy):
    with pytest.raises(ConversionError, match=rf"vmap: .*{remedy}"):
        wg.vmap(f)(X)
    with pytest.raises(ConversionError):
        wg.vmap(wg.grad(lambda x: np.sum(f(x))))(X)


def test_masks_that_differ_can_not_be_indices():
    with pytest.raises(IndexError, match=r"np.where\(mask, x, 0\)"):
        wg.vmap(lambda x: x[x > 0])(X)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "takes a function", lambda: wg.vmap(X)),
        (InputError, "must be an axis", lambda: wg.vmap(np.sin, in_axes=0.5)),
        (InputError, "must be an axis", lambda: wg.vmap(np.sin, out_axes="0")),
        (InputError, "has 1 entries", lambda: wg.vmap(np.add, in_axes=(0,))(X, X)),
        (InputError, "as many examples", lambda: wg.vmap(np.add)(X, X[:2])),
        (InputError, "nothing|no argument", lambda: wg.vmap(np.sin, in_axes=None)(X)),
        (InputError, "no axis 0 for the batch", lambda: wg.vmap(np.add)(X, 2.0)),
        (InputError, "no such axis", lambda: wg.vmap(np.sin, in_axes=2)(X)),
        (InputError, "doesn't fit", lambda: wg.vmap(lambda d: d["a"], in_axes=({"b": 0},))({"a": X})),
        (InputError, "is a str", lambda: wg.vmap(lambda x, s: x)(X, "a")),
        (InputError, "dtype object", lambda: wg.vmap(lambda x: x)(np.array([None, 1]))),
        (OutputError, "returned None", lambda: wg.vmap(lambda x: None)(X)),
        (OutputError, "returned a str", lambda: wg.vmap(lambda x: "a")(X)),
        (OutputError, "out_axes=None", lambda: wg.vmap(lambda x: x, out_axes=None)(X)),
        (OutputError, "out_axes=3", lambda: wg.vmap(lambda x: x, out_axes=3)(X)),
        (OutputError, "doesn't fit", lambda: wg.vmap(lambda x: (x, x), out_axes=(0,))(X)),
    ],
)
def test_wrong_calls(error, message, call):
    with pytest.raises(error, match=message):
        call()


def test_an_example_that_got_away():
    kept = []
    wg.vmap(lambda x: kept.append(x) or x)(X)
    assert type(kept[0]) is Batched
    with pytest.raises(ConversionError, match="Return it"):
        np.sum(kept[0])


def test_an_error_within_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        wg.vmap(lambda x: x / (1 // 0))(X)
    np.testing.assert_array_equal(wg.vmap(np.sin)(X), np.sin(X))


def test_operations_of_mygrad_classes_say_that_they_are_for_one_example():
    op = Op("own", "structured", lambda *xs: xs[0], ("*xs",), joint=lambda g, xs: [g])
    with pytest.raises(UnsupportedFunction, match="custom_gradient"):
        wg.vmap(lambda x: x._apply_alone(op))(X)
