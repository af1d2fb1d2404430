"""Models that are trained: regression, networks with and without layers."""

import numpy as np

from tests.mygrad_programs.library import numbers, program


@program
def derivative_of_a_parabola(lib):
    mg = lib.mg
    x = mg.tensor([1.0, 2.0, 3.0])
    y = x**2 - 3 * x
    y.backward()
    found = {"y": y, "x.grad": x.grad, "y.grad": y.grad, "creator": y.creator is None}
    x.null_grad()
    return {**found, "nulled": x.grad is None}


@program
def gradient_descent_on_data(lib):
    mg = lib.mg
    x = mg.tensor([10.0, -4.0])
    for _ in range(5):
        loss = ((x - 1.0) ** 2).sum()
        loss.backward()
        x.data -= 0.2 * x.grad
    return {"x": x, "loss": loss}


@program
def linear_regression(lib):
    mg = lib.mg
    x, w = numbers(20, 3), np.array([1.0, -2.0, 0.5])
    y = x @ w + 0.7
    weight, bias = mg.tensor(np.zeros(3)), mg.tensor(0.0)
    losses = []
    for _ in range(10):
        loss = mg.mean((mg.matmul(x, weight) + bias - y) ** 2)
        loss.backward()
        with mg.no_autodiff:
            for parameter in (weight, bias):
                parameter -= 0.1 * parameter.grad
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4
    return {"weight": weight, "bias": bias, "losses": losses}


@program
def logistic_regression(lib):
    mg = lib.mg
    x = numbers(30, 2)
    labels = x[:, 0] - x[:, 1] > 0.1
    w = mg.tensor([0.1, -0.2])
    for _ in range(4):
        p = 1 / (1 + mg.exp(-(x @ w)))
        loss = -mg.mean(mg.where(labels, mg.log(p), mg.log(1 - p)))
        loss.backward()
        w = mg.tensor(w.data - 0.5 * w.grad)
    return {"w": w, "loss": loss, "right": np.mean((p.data > 0.5) == labels)}


@program
def mlp_with_sgd(lib):
    mg = lib.mg
    relu = lib("nnet.activations").relu
    softmax_crossentropy = lib("nnet.losses").softmax_crossentropy
    x, labels = numbers(16, 4), np.arange(16) % 3
    parameters = [
        mg.tensor(0.3 * numbers(4, 8, seed=1)),
        mg.tensor(np.zeros(8)),
        mg.tensor(0.3 * numbers(8, 3, seed=2)),
    ]
    losses = []
    for _ in range(5):
        w1, b1, w2 = parameters
        scores = relu(x @ w1 + b1) @ w2
        loss = softmax_crossentropy(scores, labels)
        loss.backward()
        for p in parameters:
            p.data -= 0.5 * p.grad
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    return {"losses": losses, "w1": w1, "b1": b1, "w2.grad": w2.grad, "scores.grad": scores.grad}


@program
def rnn_cell_by_cell(lib):
    mg = lib.mg
    xs = numbers(6, 2, 3)
    u, w, b = mg.tensor(numbers(3, 4, seed=1)), mg.tensor(numbers(4, 4, seed=2) / 2), mg.tensor(np.zeros(4))
    h = mg.tensor(np.zeros((2, 4)), constant=True)
    hidden = []
    for x in xs:
        h = mg.tanh(mg.matmul(x, u) + mg.matmul(h, w) + b)
        hidden.append(h)
    loss = mg.add_sequence(*[mg.sum(h**2) for h in hidden])
    loss.backward()
    return {"loss": loss, "u.grad": u.grad, "w.grad": w.grad, "b.grad": b.grad, "h3.grad": hidden[3].grad}


@program
def gru_layer(lib):
    mg = lib.mg
    gru = lib("nnet.layers.gru").gru
    shapes = [(3, 4), (4, 4), (4,)] * 3
    parameters = [mg.tensor(numbers(*shape, seed=i) / 2) for i, shape in enumerate(shapes)]
    x = mg.tensor(numbers(5, 2, 3))
    s = gru(x, *parameters)
    (s[-1] ** 2).sum().backward()
    return {"s": s, "x.grad": x.grad, **{f"grad{i}": p.grad for i, p in enumerate(parameters)}}


@program
def convolutional_step(lib):
    mg = lib.mg
    layers, relu = lib("nnet.layers"), lib("nnet.activations").relu
    x, labels = numbers(4, 1, 10, 10), np.array([0, 2, 1, 2])
    filters, w = mg.tensor(numbers(3, 1, 3, 3, seed=1)), mg.tensor(numbers(48, 3, seed=2) / 5)
    c = layers.conv_nd(x, filters, stride=1, padding=0)
    p = layers.max_pool(relu(c), (2, 2), 2)
    loss = lib("nnet.losses").softmax_crossentropy(p.reshape(4, -1) @ w, labels)
    loss.backward()
    return {"loss": loss, "pooled": p, "filters.grad": filters.grad, "w.grad": w.grad, "c.grad": c.grad}


@program
def batch_normalisation(lib):
    mg = lib.mg
    x, gamma, beta = mg.tensor(numbers(5, 3)), mg.tensor(numbers(3, seed=1)), mg.tensor(np.zeros(3))
    y = lib("nnet.layers").batchnorm(x, gamma=gamma, beta=beta, eps=1e-6)
    (y * numbers(5, 3, seed=2)).sum().backward()
    return {"y": y, "x": x.grad, "gamma": gamma.grad, "beta": beta.grad}


@program
def activations(lib):
    mg, module = lib.mg, lib("nnet.activations")
    found = {}
    extra = {"elu": (1.5,), "leaky_relu": (0.1,)}
    for name in module.__all__:
        x = mg.tensor(numbers(3, 4) * 1.5)
        y = getattr(module, name)(x, *extra.get(name, ()))
        (y * numbers(*y.shape, seed=1)).sum().backward()
        found |= {name: y, f"{name}.grad": x.grad}
    return found


@program
def losses(lib):
    mg, module = lib.mg, lib("nnet.losses")
    labels = np.array([0, 2, 1])
    found = {}
    calls = {
        "focal_loss": lambda x: module.focal_loss(lib("nnet.activations").softmax(x), labels, alpha=1.2, gamma=0.5),
        "multiclass_hinge": lambda x: module.multiclass_hinge(x, labels, hinge=0.7),
        "negative_log_likelihood": lambda x: module.negative_log_likelihood(mg.log(mg.exp(x)), labels),
        "softmax_crossentropy": lambda x: module.softmax_crossentropy(x, labels),
        "softmax_focal_loss": lambda x: module.softmax_focal_loss(x, labels, gamma=1.5),
        "margin_ranking_loss": lambda x: module.margin_ranking_loss(x, x[::-1] * 0.3, np.array([1, -1, 1]), 0.4),
    }
    for name, call in calls.items():
        x = mg.tensor(numbers(3, 4))
        loss = call(x)
        loss.sum().backward()
        found |= {name: loss, f"{name}.grad": x.grad}
    return found


@program
def attention(lib):
    mg = lib.mg
    q, k, v = (mg.tensor(numbers(2, 5, 3, seed=i)) for i in range(3))
    weights = lib("nnet.activations").softmax(mg.einsum("bid,bjd->bij", q, k) / np.sqrt(3), axis=-1)
    y = mg.einsum("bij,bjd->bid", weights, v)
    (y**2).sum().backward()
    return {"y": y, "q": q.grad, "k": k.grad, "v": v.grad}
