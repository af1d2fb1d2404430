"""The examples run, and the gradients that they compare agree."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

MNIST = Path(__file__).parent.parent / "examples" / "mnist.py"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("mnist_example", MNIST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def run(folder: Path, *options: str) -> str:
    command = [sys.executable, str(MNIST), "--smoke", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mnist_learns_draws_and_sums_up(tmp_path: Path) -> None:
    summary = run(tmp_path)
    accuracy = re.search(r"Reads ([\d.]+)% of 1,000 digits", summary)
    assert accuracy is not None, summary
    assert float(accuracy[1]) > 80
    assert "See mnist.png." in summary
    assert (tmp_path / "mnist.png").read_bytes().startswith(PNG_SIGNATURE)


def test_mnist_writes_where_it_is_told(tmp_path: Path) -> None:
    run(tmp_path, "--output", "digits.png", "--seed", "1")
    assert [file.name for file in tmp_path.iterdir()] == ["digits.png"]


def test_mnist_compares_three_gradients(tmp_path: Path) -> None:
    table = re.findall(r"^ *(\d+)  (\w+) +[\d.]+ +[\d.]+ +[\d.]+$", run(tmp_path, "--compare"), re.MULTILINE)
    assert table == [(batch, way) for batch in ("1", "128") for way in ("manual", "automatic", "hybrid")]


@pytest.mark.parametrize("batch", [1, 7])
def test_mnist_gradients_agree(mnist: ModuleType, batch: int) -> None:
    rng = np.random.default_rng(0)
    network = mnist.new_network(rng)
    mnist.check_agreement(network, rng.random((batch, 784)), rng.integers(0, 10, batch))


def test_mnist_check_of_agreement_can_fail(mnist: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(network: object, images: object, labels: object) -> object:
        value, gradient = mnist.manual(network, images, labels)
        gradient.layers[1].biases[3] *= 1 + 1e-6
        return value, gradient

    monkeypatch.setitem(mnist.WAYS, "automatic", wrong)
    rng = np.random.default_rng(0)
    with pytest.raises(AssertionError):
        mnist.check_agreement(mnist.new_network(rng), rng.random((7, 784)), rng.integers(0, 10, 7))
