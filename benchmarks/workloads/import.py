"""The import statement alone, in a fresh interpreter each time; hand's is ``import numpy``.

Modules come compiled, as they do for a person from the second import on, whatever the environment says about writing
bytecode.
"""

import os
import subprocess
import sys
import tempfile

from benchmarks.quantity import REPORTED_SECONDS, Step
from benchmarks.workload import Workload

_PROGRAM = """
from time import perf_counter
start = perf_counter()
import {module}
print(perf_counter() - start)
"""


def importing(module: str) -> Step:
    """Time ``import module`` from inside the new interpreter, so that its own start does not count."""
    compiled = tempfile.mkdtemp()  # the harness removes what its workers leave
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def step() -> object:
        command = [sys.executable, "-c", _PROGRAM.format(module=module)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise ImportError(f"import {module} failed in a fresh interpreter:\n{done.stderr}")
        return float(done.stdout)

    return step


WORKLOAD = Workload(
    title="import, over that of NumPy",
    target=1.5,
    inputs=lambda _smoke: None,
    contenders={
        "hand": lambda _: importing("numpy"),
        "wengert": lambda _: importing("wengert"),
        "mygrad": lambda _: importing("mygrad"),
        "autograd": lambda _: importing("autograd.numpy"),
        "torch": lambda _: importing("torch"),
        "jax": lambda _: importing("jax.numpy"),
    },
    quantity=REPORTED_SECONDS,
)
