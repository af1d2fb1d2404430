"""Losses: closed forms, kinks and extremes, exactly; what they refuse."""

import numpy as np
import pytest

import wengert as wg
from wengert.nnet import (
    focal_loss,
    logsoftmax,
    margin_ranking_loss,
    multiclass_hinge,
    negative_log_likelihood,
    softmax,
    softmax_crossentropy,
    softmax_focal_loss,
)

X = np.array([[0.5, -1.0, 2.0], [0.0, 0.3, -0.7], [1.5, 1.0, -2.0], [-0.2, 0.4, 0.1]])
LABELS = np.array([0, 2, 1, -1])
ROWS = np.arange(4)
P = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)
ONE_HOT = np.eye(3)[LABELS]


def value_and_gradient(f, *args):
    tensors = [wg.tensor(x) for x in args]
    y = f(*tensors)
    y.backward()
    return y.data, *[t.grad for t in tensors]


def test_softmax_crossentropy_is_the_mean_over_the_batch():
    value, g = value_and_gradient(lambda x: softmax_crossentropy(x, LABELS), X)
    np.testing.assert_allclose(value, -np.log(P[ROWS, LABELS]).mean(), rtol=1e-15)
    np.testing.assert_allclose(g, (P - ONE_HOT) / 4, atol=1e-16)


def test_second_derivative_of_crossentropy():
    found = wg.hessian(lambda x: softmax_crossentropy(x[None], [1]))(X[0])
    np.testing.assert_allclose(found, np.diag(P[0]) - np.outer(P[0], P[0]), atol=1e-15)


def test_crossentropy_of_large_scores():
    x = np.array([[1e4, -1e4, 0.0], [0.0, 1e4, -1e4], [1e308, -1e308, 0.0]])
    value, g = value_and_gradient(lambda x: softmax_crossentropy(x, [0, 0, 0]), x)
    np.testing.assert_allclose(value, 1e4 / 3, rtol=1e-15)
    np.testing.assert_allclose(g, [[0.0, 0.0, 0.0], [-1 / 3, 1 / 3, 0.0], [0.0, 0.0, 0.0]], atol=1e-300)


def test_crossentropy_of_scores_that_rule_classes_out():
    x = np.array([[0.0, -np.inf, 0.0], [-np.inf, -np.inf, -np.inf]])
    value, g = value_and_gradient(lambda x: softmax_crossentropy(x, [0, 1]), x)
    np.testing.assert_allclose(value, (np.log(2.0) + np.log(3.0)) / 2, rtol=1e-15)
    np.testing.assert_allclose(g, [[-0.25, 0.0, 0.25], [1 / 6, -1 / 3, 1 / 6]], rtol=1e-15)


def test_negative_log_likelihood():
    value, g = value_and_gradient(lambda x: negative_log_likelihood(x, LABELS), X)
    np.testing.assert_allclose(value, -X[ROWS, LABELS].mean(), rtol=1e-15)
    np.testing.assert_array_equal(g, -ONE_HOT / 4)


def test_weights_of_classes_do_not_count_in_the_mean():
    weights = np.array([1.0, 2.0, 3.0])
    value, g, by_weights = value_and_gradient(lambda x, w: negative_log_likelihood(x, LABELS, weights=w), X, weights)
    np.testing.assert_allclose(value, -(weights[LABELS] * X[ROWS, LABELS]).mean(), rtol=1e-15)
    np.testing.assert_array_equal(g, -ONE_HOT * weights / 4)
    np.testing.assert_allclose(by_weights, -(ONE_HOT * X).sum(axis=0) / 4, rtol=1e-15)
    assert negative_log_likelihood(np.float32(X), LABELS, weights=[1, 2, 3]).dtype == np.float32


def test_a_class_that_is_not_the_label_may_be_impossible():
    """The logarithm's infinite slope at 0 meets a zero that was not selected."""
    with np.errstate(divide="ignore"):
        p = wg.tensor([[0.5, 0.0, 0.5]])
        negative_log_likelihood(np.log(p), [0]).backward()
    np.testing.assert_array_equal(p.grad, [[-2.0, 0.0, 0.0]])


def test_multiclass_hinge():
    value, g = value_and_gradient(lambda x: multiclass_hinge(x, LABELS, 0.7), X)
    excess = np.maximum(X - X[ROWS, LABELS][:, None] + 0.7, 0.0) * (1 - ONE_HOT)
    np.testing.assert_allclose(value, excess.sum() / 4, rtol=1e-15)
    count = (excess > 0).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(g, ((excess > 0) - count * ONE_HOT) / 4, atol=1e-16)


def test_kink_of_multiclass_hinge():
    """Where a margin is met exactly the maximum is of two zeros, whose derivative is ½, as that of ``np.maximum``."""
    _, g = value_and_gradient(lambda x: multiclass_hinge(x, [0]), np.array([[1.0, 0.0, 3.0]]))
    np.testing.assert_array_equal(g, [[-1.5, 0.5, 1.0]])
    for order in (wg.grad, lambda f: lambda x: wg.jvp(f, (x,), (np.array([[0.0, 1.0, 0.0]]),))[1]):
        assert np.ravel(order(lambda x: multiclass_hinge(x, [0]))(np.array([[1.0, 0.0, 3.0]])))[-2:][0] == 0.5


@pytest.mark.parametrize("y", [1, -1, 1.0, np.array(-1), [1, -1, 1, -1], np.array([1.0, -1.0, -1.0, 1.0])])
@pytest.mark.parametrize("columns", [slice(None), 0], ids=["matrix", "vector"])
def test_margin_ranking_loss(y, columns):
    a, b = X[:, columns], X[::-1, columns].copy()
    sign = np.reshape(y, (-1, 1)) if np.ndim(y) and a.ndim == 2 else np.asarray(y)

    def formula(a, b):
        return np.mean(np.maximum(0.3 - sign * (a - b), 0.0))

    found = value_and_gradient(lambda a, b: margin_ranking_loss(a, b, y, 0.3), a, b)
    for x, expected in zip(found, value_and_gradient(formula, a, b), strict=True):
        np.testing.assert_allclose(x, expected, rtol=1e-15, atol=1e-17)


def test_kink_of_margin_ranking_loss():
    _, g1, g2 = value_and_gradient(
        lambda a, b: margin_ranking_loss(a, b, 1, 0.5), np.array([1.0, 0.0]), np.array([0.5, 1.0])
    )
    np.testing.assert_array_equal(g1, [-0.25, -0.5])
    np.testing.assert_array_equal(g2, [0.25, 0.5])


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 1.5, 2, 5])
def test_focal_loss(gamma):
    p = P[ROWS, LABELS]
    value, g = value_and_gradient(lambda p: focal_loss(p, LABELS, alpha=0.7, gamma=gamma), P)
    np.testing.assert_allclose(value, -0.7 * (1 - p) ** gamma * np.log(p), rtol=1e-14)
    slope = 0.7 * (gamma * (1 - p) ** (gamma - 1) * np.log(p) - (1 - p) ** gamma / p)
    np.testing.assert_allclose(g, ONE_HOT * slope[:, None], rtol=1e-14)
    scores, by_scores = value_and_gradient(lambda x: softmax_focal_loss(x, LABELS, alpha=0.7, gamma=gamma), X)
    np.testing.assert_allclose(scores, value, rtol=1e-14)
    np.testing.assert_allclose(by_scores, (slope * p)[:, None] * (ONE_HOT - P), rtol=1e-13)


def test_focal_loss_without_focus_is_crossentropy():
    np.testing.assert_allclose(
        softmax_focal_loss(X, LABELS).data.mean(), softmax_crossentropy(X, LABELS).data, rtol=1e-15
    )


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2])
def test_focal_loss_of_certain_predictions(gamma):
    value, g = value_and_gradient(lambda p: focal_loss(p, [0, 0], gamma=gamma), np.array([[1.0, 0.0], [1e-10, 1.0]]))
    np.testing.assert_allclose(value, [0.0, -np.log(1e-10)], rtol=1e-8)
    np.testing.assert_allclose(g, [[-1.0 if gamma == 0 else 0.0, 0.0], [-1e10, 0.0]], rtol=1e-7)
    p = np.nextafter(1.0, 2.0)
    value, g = value_and_gradient(lambda p: focal_loss(p, [0], gamma=gamma), np.array([[p, 0.0]]))
    np.testing.assert_allclose(np.concatenate([value, g[0]]), [0.0, -1.0 if gamma == 0 else 0.0, 0.0], atol=1e-15)


def test_focal_loss_of_an_impossible_label_is_infinite():
    with np.errstate(divide="ignore"):
        value, g = value_and_gradient(lambda p: focal_loss(p, [0], gamma=2), np.array([[0.0, 1.0]]))
    assert value == np.inf
    np.testing.assert_array_equal(g, [[-np.inf, 0.0]])


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2])
def test_focal_loss_of_large_scores(gamma):
    x = np.array([[-1e4, 1e4], [1e4, -1e4], [-40.0, 0.0], [40.0, 0.0]])
    value, g = value_and_gradient(lambda x: softmax_focal_loss(x, [0, 0, 0, 0], gamma=gamma), x)
    small = np.exp(-40.0)
    np.testing.assert_allclose(value[:3], [2e4, 0.0, 40.0], rtol=1e-15)
    np.testing.assert_allclose(value[3], small ** (1 + gamma), atol=1e-17)
    np.testing.assert_allclose(g[:3], [[-1.0, 1.0], [0.0, 0.0], [-1.0, 1.0]], atol=1e-14)
    np.testing.assert_allclose(g[3], 0.0, atol=1e-17)


def test_second_derivative_of_focal_loss_at_a_certain_prediction():
    """Of -(1 - p) log(p) it is 1/p + 1/p²."""
    assert wg.grad(wg.grad(lambda p: focal_loss(np.stack([p, 1.0 - p])[None], [0], gamma=1)[0]))(1.0) == 2.0
    assert wg.grad(wg.grad(lambda p: focal_loss(np.stack([p, 1.0 - p])[None], [0], gamma=2)[0]))(1.0) == 0.0


def test_alpha_for_each_datum():
    alpha = np.array([1.0, 0.5, 2.0, 0.0])
    found = value_and_gradient(lambda p, a: focal_loss(p, LABELS, alpha=a), P, alpha)
    np.testing.assert_allclose(found[0], -alpha * np.log(P[ROWS, LABELS]), rtol=1e-15)
    np.testing.assert_allclose(found[2], -np.log(P[ROWS, LABELS]), rtol=1e-15)
    np.testing.assert_allclose(focal_loss(P, LABELS, alpha=alpha.tolist()).data, found[0])
    with pytest.raises(ValueError, match="alpha must be a number or have shape"):
        focal_loss(P, LABELS, alpha=[1.0, 2.0])


WITH_LABELS = {
    "negative_log_likelihood": (negative_log_likelihood, "x", "y_true"),
    "softmax_crossentropy": (softmax_crossentropy, "x", "y_true"),
    "multiclass_hinge": (multiclass_hinge, "x", "y_true"),
    "focal_loss": (focal_loss, "class_probs", "targets"),
    "softmax_focal_loss": (softmax_focal_loss, "scores", "targets"),
}
LABELLED = pytest.mark.parametrize(("f", "scores", "labels"), WITH_LABELS.values(), ids=WITH_LABELS)


@LABELLED
def test_labels_of_every_kind(f, scores, labels):
    expected = f(P, LABELS).data
    for given in (LABELS.tolist(), wg.tensor(LABELS), LABELS % 3, np.uint8(LABELS % 3), np.int8(LABELS)):
        np.testing.assert_array_equal(f(P.tolist(), given).data, expected)
        np.testing.assert_array_equal(f(**{scores: P, labels: given}).data, expected)


@LABELLED
def test_bad_labels(f, scores, labels):
    for wrong in (LABELS.astype(float), LABELS > 0, None, ["a"] * 4):
        with pytest.raises(TypeError, match=f"{labels} must be integers"):
            f(P, wrong)
    for wrong in (LABELS[:2], LABELS[:, None], ONE_HOT.astype(int), 1):
        with pytest.raises(ValueError, match=rf"{labels} must have shape \(4,\)"):
            f(P, wrong)
    for wrong in (LABELS + 5, LABELS - 7):
        with pytest.raises(IndexError, match="3 classes"):
            f(P, wrong)


@LABELLED
def test_bad_scores(f, scores, labels):
    for wrong in (P[0], P[None], 2.0, P[:, :0]):
        with pytest.raises(ValueError, match=rf"{scores} must have shape \(N, C\)"):
            f(wrong, LABELS)


@LABELLED
def test_labels_changed_afterwards_change_nothing(f, scores, labels):
    given = LABELS.copy()
    x = wg.tensor(P)
    y = f(x, given)
    given[:] = 0
    y.backward()
    np.testing.assert_array_equal(x.grad, wg.grad(lambda p: np.sum(f(p, LABELS)))(P))


def test_bad_weights():
    for wrong in ([1.0, 2.0], [[1.0, 2.0, 3.0]], 2.0):
        with pytest.raises(ValueError, match=r"weights must have shape \(3,\)"):
            negative_log_likelihood(X, LABELS, weights=wrong)


def test_bad_settings():
    for wrong in (-1, -0.5, "a", None, 1j, [0.5], wg.tensor(0.5), np.nan):
        with pytest.raises(ValueError, match="gamma must be a number that is not negative"):
            focal_loss(P, LABELS, gamma=wrong)
        with pytest.raises(ValueError, match="margin must be a number that is not negative"):
            margin_ranking_loss(X, X, 1, wrong)
    for wrong in ("a", None, 1j):
        with pytest.raises(TypeError, match="real number"):
            multiclass_hinge(X, LABELS, wrong)
        with pytest.raises(TypeError, match="real number"):
            focal_loss(P, LABELS, alpha=wrong)


def test_bad_shapes_of_margin_ranking_loss():
    with pytest.raises(ValueError, match="x1 must have shape"):
        margin_ranking_loss(X[None], X[None], 1, 0.1)
    with pytest.raises(ValueError, match="same shape"):
        margin_ranking_loss(X, X[:1], 1, 0.1)
    for y in ([1, -1], np.ones((4, 1)), np.ones(3)):
        with pytest.raises(ValueError, match="y must be a number"):
            margin_ranking_loss(X, X, y, 0.1)


def test_composition_agrees_with_what_is_fused():
    """Cross-entropy is the mean negative logarithm of the softmax at the labels."""
    x = wg.tensor(X)
    negative_log_likelihood(logsoftmax(x), LABELS).backward()
    np.testing.assert_allclose(x.grad, (softmax(X).data - ONE_HOT) / 4, atol=1e-16)
