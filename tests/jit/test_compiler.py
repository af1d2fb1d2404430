"""From a graph to a program: what is fused, where it is kept, and that it computes what NumPy does."""

import numpy as np
import pytest

import wengert as wg
from tests.jit.compiling import agrees, calls_of_numpy, improved_graph, kernels_of, lowered, steps_of, traced
from tests.jit.interpreted import interpreted
from wengert.compiler.executable import compiled
from wengert.compiler.program import Gemm

rng = np.random.default_rng(1964)


def draw(*shape):
    return rng.normal(size=shape)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def layer_norm(x, gain, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * gain + bias


def cross_entropy(z, labels):
    z = z - z.max(1, keepdims=True)
    log_probabilities = z - np.log(np.exp(z).sum(1, keepdims=True))
    return -np.mean(log_probabilities[np.arange(len(labels)), labels])


def network(params, x, y):
    for w, b in params[:-1]:
        x = 1 / (1 + np.exp(-(x @ w + b)))
    w, b = params[-1]
    return np.mean((x @ w + b - y) ** 2)


def recurrent(params, xs, y):
    wx, wh, b, wo = params
    h = np.zeros((xs.shape[1], len(wh)))
    for x in xs:
        h = np.tanh(x @ wx + h @ wh + b)
    return np.sum((h @ wo - y) ** 2)


# What is fused


def test_a_chain_and_its_gradient_are_one_kernel():
    made = agrees(wg.value_and_grad(lambda a, b: np.sum(np.tanh(a * b + a) * b), (0, 1)), draw(7), draw(7))
    (kernel,) = kernels_of(made)
    assert kernel.inner == 7
    assert [i.fn for _, _, _, i in kernel.numbered()].count("tanh") == 1


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_is_one_kernel_along_any_axis(axis):
    made = agrees(lambda x: softmax(x, axis), draw(3, 4, 5))
    assert len(kernels_of(made)) == 1
    assert [i.fn for _, _, _, i in kernels_of(made)[0].numbered()].count("exp") == 1


def test_layer_norm_and_its_gradient_read_the_data_once():
    def loss(x, gain, bias, u):
        return np.sum(layer_norm(x, gain, bias) * u)

    made = agrees(wg.value_and_grad(loss, (0, 1, 2)), draw(6, 9), draw(9), draw(9), draw(6, 9))
    whole = [k for k in kernels_of(made) if k.rows]
    assert len(whole) == 1


def test_vectors_run_along_rows_where_memory_does():
    (kernel,) = kernels_of(agrees(lambda x: softmax(x, 0), draw(5, 6)))
    assert kernel.lanes == "rows"


def test_adjacent_axes_are_walked_as_one():
    (kernel,) = kernels_of(agrees(lambda x, y: x * y + 1, draw(3, 4, 5), draw(3, 4, 5)))
    assert kernel.rows == ()
    (kernel,) = kernels_of(agrees(lambda x, y: x * y + 1, draw(3, 4, 5), draw(5)))
    assert (kernel.rows, kernel.inner) == ((12,), 5)


def test_what_is_read_transposed_is_not_copied_first():
    assert len(kernels_of(agrees(lambda x, y: x.T + y, draw(3, 4), draw(4, 3)))) == 1


def test_a_sum_over_rows_goes_along_with_what_it_sums():
    made = agrees(lambda x: (np.exp(x), np.exp(x).sum(0)), draw(4, 6))
    assert len([k for k in kernels_of(made) if k.rows]) == 1


# Products


def test_products_take_transposed_factors_as_they_are():
    made = agrees(lambda a, b: (a.T @ b, a @ b.T), draw(4, 4), draw(4, 4))
    assert {(s.ta, s.tb) for s in steps_of(made) if isinstance(s, Gemm)} == {(True, False), (False, True)}
    assert not kernels_of(made)


@pytest.mark.parametrize(
    "shapes",
    [((2, 3, 4), (2, 4, 5)), ((2, 3, 4), (4, 5)), ((3, 1, 2, 4), (5, 4, 3)), ((4,), (4, 3)), ((3, 4), (4,)),
     ((4,), (4,)), ((2, 3, 4), (4,)), ((1, 4), (4, 1))],
)  # fmt: skip
def test_stacks_of_matrices(shapes):
    agrees(np.matmul, *[draw(*s) for s in shapes])
    agrees(wg.value_and_grad(lambda a, b: np.sum(np.sin(a @ b)), (0, 1)), *[draw(*s) for s in shapes])


def test_products_with_a_vector_fuse():
    made = agrees(lambda x, w, b: np.tanh(x @ w + b), draw(1, 6), draw(6, 5), draw(5))
    assert len([k for k in kernels_of(made) if any(i.fn == "tanh" for _, _, _, i in k.numbered())]) == 1
    assert not [s for s in steps_of(made) if isinstance(s, Gemm)]


@pytest.mark.parametrize("batch", [1, 3])
def test_gradients_of_shared_weights_are_one_product(batch):
    params = [draw(4, 5), draw(5, 5), draw(5), draw(5, 2)]
    args = (params, draw(6, batch, 4), draw(batch, 2))
    made = agrees(wg.value_and_grad(recurrent), *args, rtol=1e-10)
    shapes = [(s.m, s.n, s.k) for s in steps_of(made) if isinstance(s, Gemm)]
    assert shapes.count((4, 5, 6 * batch)) == 1
    assert shapes.count((6 * batch, 5, 4)) == 1  # the inputs of all steps at once
    assert len(set(kernels_of(made))) < 12


def test_a_network():
    shapes = [(7, 6), (6, 5), (5, 2)]
    for batch in (1, 4):
        params = [(draw(*s), draw(s[1])) for s in shapes]
        made = agrees(wg.value_and_grad(network), params, draw(batch, 7), draw(batch, 2), rtol=1e-10)
        assert not calls_of_numpy(made)


# Places


def test_few_elements_of_what_is_computed():
    graph = improved_graph(lambda z, k: np.log(np.exp(z) + 1)[np.arange(9), k], draw(9, 8), rng.integers(0, 8, 9))
    assert max([v.size for v in graph.values if v.prim == "map"]) <= 9


def test_cross_entropy():
    made = agrees(wg.value_and_grad(cross_entropy), draw(5, 4), np.array([0, 3, 1, -1, 2]))
    assert not calls_of_numpy(made)


def test_positions_out_of_bounds_are_noticed():
    made = agrees(lambda x, k: x[k] * 2, draw(5), np.array([0, -5, 4]))
    with pytest.raises(IndexError):
        made([draw(5), np.array([0, 5, 1])])
    with pytest.raises(IndexError):
        made([draw(5), np.array([0, -6, 1])])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.concatenate([x, 2 * x[:1], x.sum(0, keepdims=True)]),
        lambda x: np.concatenate([x, x * x], axis=1),
        lambda x: np.stack([x[0], np.sin(x[1]), x[2]]).sum(0) + np.stack([x, x], axis=-1).sum((0, 2)),
        lambda x: np.roll(x, 1, axis=0) - np.roll(x, -1),
        lambda x: np.pad(x, 1) @ np.pad(x, 1).T,
        lambda x: np.tril(x @ x.T) + np.triu(x @ x.T, 1),
        lambda x: x[::-1, ::2] * x[:, 1::2],
        lambda x: np.repeat(x, 2, axis=1) + np.tile(x, (1, 2)),
        lambda x: np.trace(x @ x.T) * np.diagonal(x),
        lambda x: x[[2, 0, 2], :, None] * x[:, [1, 1, 0]][:, None],
    ],
)
def test_elements_in_other_places(f):
    agrees(f, draw(3, 4))
    agrees(wg.grad(lambda x: np.sum(np.cos(f(x)))), draw(3, 4))


@pytest.mark.parametrize("j", [99, -9])
def test_positions_are_checked_where_their_elements_are_not_read(j):
    i, labels = 3 * np.arange(5), np.full(5, 2)
    repeated = agrees(lambda a, i, j: np.broadcast_to(np.exp(a)[:, None], (40, 8))[i, j], draw(40), i, labels)
    gradient = agrees(wg.grad(lambda z, j: np.sum(z[np.arange(5), j])), draw(5, 8), labels)
    with pytest.raises(IndexError):
        repeated([draw(40), i, np.full(5, j)])
    with pytest.raises(IndexError):
        gradient([draw(5, 8), np.full(5, j)])


def updating(x):
    y = x.copy()
    y[1:] *= 2
    y[::2] += x[0]
    y[[0, 1, 1]] = np.sin(x[:3])
    z = y[:, 1]
    z -= x[:, 0]
    return np.sum(y * y) + np.sum(z)


def test_updates_in_place():
    agrees(wg.value_and_grad(updating), draw(5, 3))


# Around the kernels


@pytest.mark.parametrize("dtype", [np.float32, np.int32, bool, np.uint8, np.float16, complex])
def test_other_dtypes(dtype):
    x = (10 * draw(3, 4)).astype(dtype)
    agrees(lambda x: (x + x, x * np.float32(2), x.sum(0), x == x.T.T, abs(x)), x, rtol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1,), (1, 1), ()])
def test_empty_arrays_and_numbers(shape):
    x = draw(*shape)
    agrees(lambda x: (x + 1, np.sum(np.exp(x)), np.sum(x, axis=-1) if x.ndim else x, x.T * 2, np.any(x > 0)), x)
    agrees(wg.grad(lambda x: np.sum(np.exp(x) * x)), x)


def test_numpy_computes_what_kernels_do_not():
    made = agrees(lambda x: np.cumsum(np.sort(np.exp(x))) * x, draw(6))
    assert {"argsort", "cumsum"} <= set(calls_of_numpy(made))


def test_outputs_are_arrays_of_their_own():
    made = agrees(lambda x: (x, x.T, x[0], np.ones(2) * 3, x, 5.0 * x), draw(2, 3))
    x = draw(2, 3)
    outputs = made([x])
    assert not any(np.shares_memory(y, x) for y in outputs)


def test_the_workspace_is_used_again():
    def f(x):
        for _ in range(30):
            x = np.tanh(x @ x)
        return x

    (piece,) = agrees(f, draw(16, 16)).pieces
    assert piece.program.work <= 4 * 16 * 16 * 8


def test_undefined_memory_is_not_read():
    f = wg.value_and_grad(updating)
    graph, arrays = traced(f, draw(5, 3))
    results = [compiled(graph, lambda p, poison=poison: interpreted(p, poison))(arrays) for poison in (0, 0x7F, 0xFF)]
    for y, z in zip(results[0], results[1], strict=True):
        assert y.tobytes() == z.tobytes()


def test_a_graph_prints_itself():
    assert str(lowered(lambda x: np.sum(x * x), draw(3))).splitlines() == [
        "%0 = input 0  : float64[3]",
        "%1 = map mul %0 %0 : float64[3]",
        "%2 = reduce ('sum', (0,)) %1 : float64[]",
        "outputs: %2",
    ]
