"""What holds of every function of ``wengert.nnet``: derivatives in all modes, dtypes, layouts, constants."""

import numpy as np
import pytest

import wengert as wg
from tests.nnet_cases import CASES
from wengert.testing import check_dtypes, check_grads, check_inputs_unchanged, check_jacobian, check_layouts

EVERY = pytest.mark.parametrize(("f", "args"), CASES.values(), ids=CASES)
SEVERAL = {name: case for name, case in CASES.items() if len(case[1]) > 1}
TRUE = [name for name in CASES if "cut off" not in name]
"""Where derivatives are cut off no differences agree with them."""


@pytest.mark.parametrize("name", TRUE)
def test_derivatives_to_third_order(name):
    check_grads(*CASES[name], order=2 if "gru" in name else 3)


@EVERY
def test_precision_is_kept(f, args):
    check_dtypes(f, args)


@EVERY
def test_memory_layouts(f, args):
    check_layouts(f, args)


@EVERY
def test_arguments_stay_as_they_are(f, args):
    check_inputs_unchanged(f, args)


@EVERY
def test_tensors_take_the_gradient_that_grad_returns(f, args):
    tensors = [wg.tensor(x) for x in args]
    y = f(*tensors)
    assert type(y) is wg.Tensor
    assert not y.constant
    y.backward()
    gradients = wg.grad(lambda *xs: np.sum(f(*xs)), tuple(range(len(args))))(*args)
    for x, t, g in zip(args, tensors, gradients, strict=True):
        assert t.grad.shape == x.shape
        np.testing.assert_allclose(t.grad, g, rtol=1e-13, atol=1e-14)


@EVERY
def test_only_variables_are_differentiated(f, args):
    """Each argument in turn is the only variable; the others are constant tensors and plain arrays."""
    gradients = wg.grad(lambda *xs: np.sum(f(*xs)), tuple(range(len(args))))(*args)
    for i, g in enumerate(gradients):
        tensors = [wg.tensor(x, constant=i != j) if (i + j) % 2 == 0 else x for j, x in enumerate(args)]
        f(*tensors).backward()
        np.testing.assert_allclose(tensors[i].grad, g, rtol=1e-13, atol=1e-14)
        assert all(t.grad is None for j, t in enumerate(tensors) if j != i and isinstance(t, wg.Tensor))


@EVERY
def test_of_plain_arrays_they_are_constant_tensors(f, args):
    y = f(*args)
    assert type(y) is wg.Tensor
    assert y.constant
    np.testing.assert_array_equal(y.data, f(*[wg.tensor(x) for x in args]).data)
    np.testing.assert_array_equal(y.data, f(*[wg.tensor(x, constant=True) for x in args]).data)
    del y
    assert all(x.flags.writeable for x in args)


@EVERY
def test_pullbacks_are_differentiable_by_their_cotangent(f, args):
    """A pullback is linear: the gradient of ``⟨w, pullback(g)⟩`` by ``g`` is the pushforward of ``w``."""
    rng = np.random.default_rng(0)
    value, pullback = wg.vjp(lambda *xs: f(*xs), *args)
    w = [rng.normal(size=x.shape) for x in args]

    def paired(g):
        pulled = pullback(g)
        return sum(np.sum(a * b) for a, b in zip(w, pulled if len(args) > 1 else (pulled,), strict=True))

    found = wg.grad(paired)(np.asarray(rng.normal(size=np.shape(value))))
    expected = wg.jvp(lambda *xs: f(*xs), args, tuple(w))[1]
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("f", "args"), SEVERAL.values(), ids=SEVERAL)
def test_a_tensor_outside_takes_its_gradient_from_inside_a_transformation(f, args):
    """The gradient within is itself a function of a tensor that a person made."""
    outer = wg.tensor(args[-1])
    inner = wg.grad(lambda x: np.sum(f(x, *args[1:-1], outer) ** 2))(wg.tensor(args[0]))
    np.sum(inner).backward()
    expected = wg.grad(lambda o: np.sum(wg.grad(lambda x: np.sum(f(x, *args[1:-1], o) ** 2))(args[0])))(args[-1])
    np.testing.assert_allclose(outer.grad, expected, rtol=1e-10, atol=1e-12)


@EVERY
def test_updates_in_place_come_too_late_to_matter(f, args):
    """Arguments and result are updated, also through views, after they were used and before the derivative is taken."""

    def program(*xs):
        used = [x * 2.0 for x in xs]
        for x in used:
            if x.ndim:
                x[:1] *= 0.5
        y = f(*used)
        squares = np.sum(y * y)
        for x in (*used, y):
            if x.ndim:
                x[:1] *= 3.0
            x += 1.0
        return squares

    def rewritten(*xs):
        used = [np.concatenate([x[:1], 2.0 * x[1:]]) if x.ndim else 2.0 * x for x in xs]
        return np.sum(f(*used) ** 2)

    every = tuple(range(len(args)))
    expected = wg.grad(rewritten, every)(*args)
    tensors = [wg.tensor(x) for x in args]
    program(*tensors).backward()
    for g, t, e in zip(wg.grad(program, every)(*args), tensors, expected, strict=True):
        np.testing.assert_allclose(t.grad, e, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-13)


@EVERY
def test_without_autodiff_nothing_is_recorded(f, args):
    tensors = [wg.tensor(x) for x in args]
    with wg.no_autodiff:
        y = f(*tensors)
    assert y.creator is None
    y.backward()
    assert all(t.grad is None for t in tensors)
    np.testing.assert_array_equal(y.data, f(*args).data)


@EVERY
def test_arrays_are_guarded_while_a_graph_needs_them(f, args):
    tensors = [wg.tensor(x, copy=False) for x in args]
    y = f(*tensors)
    assert not any(x.flags.writeable for x in args if x.ndim)
    y.backward()
    assert all(x.flags.writeable for x in args)
    y = f(*tensors)
    del y
    assert all(x.flags.writeable for x in args)


ONE = np.array([[0.5, -0.5]])
CALLS = {
    "elu": lambda x, **k: wg.nnet.elu(x, 0.1, **k),
    "glu": wg.nnet.glu,
    "hard_tanh": wg.nnet.hard_tanh,
    "leaky_relu": lambda x, **k: wg.nnet.leaky_relu(x, 0.1, **k),
    "logsoftmax": wg.nnet.logsoftmax,
    "relu": wg.nnet.relu,
    "selu": wg.nnet.selu,
    "sigmoid": wg.nnet.sigmoid,
    "soft_sign": wg.nnet.soft_sign,
    "softmax": wg.nnet.softmax,
    "tanh": wg.nnet.tanh,
    "focal_loss": lambda x, **k: wg.nnet.focal_loss(np.multiply(x, x), [0], **k),
    "margin_ranking_loss": lambda x, **k: wg.nnet.margin_ranking_loss(x, ONE, 1, 0.1, **k),
    "multiclass_hinge": lambda x, **k: wg.nnet.multiclass_hinge(x, [0], **k),
    "negative_log_likelihood": lambda x, **k: wg.nnet.negative_log_likelihood(x, [0], **k),
    "softmax_crossentropy": lambda x, **k: wg.nnet.softmax_crossentropy(x, [0], **k),
    "softmax_focal_loss": lambda x, **k: wg.nnet.softmax_focal_loss(x, [0], **k),
    "batchnorm": lambda x, **k: wg.nnet.batchnorm(np.reshape(x, (2, 1)), eps=0.1, **k),
    "conv_nd": lambda x, **k: wg.nnet.conv_nd(np.reshape(x, (1, 1, 2)), np.ones((1, 1, 2)), stride=1, **k),
    "max_pool": lambda x, **k: wg.nnet.max_pool(x, (2,), 1, **k),
    "gru": lambda x, **k: wg.nnet.gru(
        np.reshape(x, (1, 1, 2)), *3 * [np.ones((2, 1)), np.ones((1, 1)), np.ones(1)], **k
    ),
}
CALLED = pytest.mark.parametrize("f", CALLS.values(), ids=CALLS)


@CALLED
def test_constant_decides(f):
    x = wg.tensor(ONE)
    assert f(x, constant=True).constant
    assert not f(x, constant=False).constant
    y = f(ONE, constant=False)
    assert not y.constant
    y.backward()
    np.testing.assert_array_equal(y.grad, np.ones(y.shape))


@CALLED
def test_constant_holds_inside_transformations(f):
    gradient = wg.grad(lambda x: np.sum(f(x, constant=True)) + np.sum(3.0 * x))
    np.testing.assert_array_equal(gradient(ONE), [[3.0, 3.0]])
    assert np.any(wg.grad(lambda x: np.sum(f(x, constant=False) * [[1.0, 2.0], [3.0, 5.0]]))(ONE) != 0.0)


@CALLED
def test_constant_must_be_a_flag(f):
    with pytest.raises(TypeError, match="constant must be"):
        f(ONE, constant=1)


@CALLED
@pytest.mark.parametrize(
    "x", [1j * ONE, np.array([["a", "b"]]), np.array([[None, 1.0]])], ids=["complex", "str", "object"]
)
def test_only_real_numbers(f, x):
    if f is wg.nnet.tanh and np.iscomplexobj(x):
        return
    with pytest.raises(TypeError):
        f(x)


def test_all_names_are_exported():
    assert set(CALLS) == {
        *wg.nnet.activations.__all__, *wg.nnet.losses.__all__, *wg.nnet.layers.__all__
    }  # fmt: skip
    for module in (wg.nnet.activations, wg.nnet.losses, wg.nnet.layers, wg.nnet.initializers):
        for name in module.__all__:
            assert getattr(wg.nnet, name) is getattr(module, name)


def test_a_jacobian_of_a_small_network():
    """Layers, activations and a loss together, against differences."""
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(2, 1, 6, 6)), np.array([2, 0])

    def loss(k, gamma, beta, w):
        y = wg.nnet.conv_nd(x, k, stride=1, padding=1)
        y = wg.nnet.max_pool(wg.nnet.selu(wg.nnet.batchnorm(y, gamma=gamma, beta=beta, eps=1e-3)), (2, 2), 2)
        return wg.nnet.softmax_crossentropy(np.reshape(y, (2, 18)) @ w, labels)

    arguments = (rng.normal(size=(2, 1, 3, 3)), rng.normal(size=2), rng.normal(size=2), rng.normal(size=(18, 3)))
    check_jacobian(loss, arguments)
