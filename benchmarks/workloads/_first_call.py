"""The very first call of a program, in a fresh interpreter each time: tracing, compilation, and the run.

Imports of the libraries and their start-up do not count, nor do inputs; what a library imports when it compiles does.
A second process is one that finds on disk what an earlier one compiled.
"""

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from time import perf_counter

from benchmarks.compare import check
from benchmarks.quantity import REPORTED_SECONDS, Step
from benchmarks.workload import Workload
from benchmarks.workloads import _jit

CASES: dict[str, tuple[_jit.Program, Callable[[bool], _jit.Inputs]]] = {
    "mlp": (_jit.MLP, lambda _smoke: _jit.mlp_inputs(128)),
    "rnn": (_jit.RNN, lambda smoke: _jit.rnn_inputs(32, 5 if smoke else _jit.STEPS)),
    "layer_norm": (_jit.LAYER_NORM, lambda _smoke: _jit.layer_norm_inputs(1024, 1000)),
}
"""Programs by name, and what makes their inputs."""

_MODULES = {"hand": "numpy", "wengert": "wengert", "compiled": "wengert", "torch": "torch"}
_PROGRAM = "import sys; from benchmarks.workloads._first_call import main; main(*sys.argv[1:])"


def contenders_of(case: str) -> dict[str, Callable[[_jit.Inputs], Step]]:
    """Who takes part; JAX is given the program as it is written, and other ways of writing it stand beside it."""
    program, _ = CASES[case]
    others = {name: program.jax_as(name) for name in program.alternatives}
    return {**program.contenders(), "jax": program.jax, "jax_cached": program.jax, **others}


def main(case: str, contender: str, smoke: str) -> None:
    """Print the seconds of the first call."""
    program, make = CASES[case]
    build = contenders_of(case)[contender]
    inputs = make(smoke == "1")
    _start_up(contender)
    start = perf_counter()
    answer = build(inputs)()
    seconds = perf_counter() - start
    check(answer, program.by_hand(inputs)())
    print(seconds)


def _start_up(contender: str) -> None:
    """Import a library and let it set up what it has to, whatever is computed afterwards."""
    if contender in _MODULES:
        importlib.import_module(_MODULES[contender])
        return
    import jax.numpy as jnp

    jnp.zeros(3).block_until_ready()


def first_call(case: str, title: str, target: float) -> Workload[bool]:
    """Measure first calls with nothing on disk."""

    def of(contender: str) -> Callable[[bool], Step]:
        def prepare(smoke: bool) -> Step:
            bytecode = tempfile.mkdtemp()  # the harness removes what its workers leave

            def step() -> object:
                with tempfile.TemporaryDirectory() as cache:
                    return _run(case, contender, smoke, bytecode, cache)

            return step

        return prepare

    names = [name for name in contenders_of(case) if name != "jax_cached"]
    return _workload(title, target, {name: of(name) for name in names})


def second_process(case: str, title: str, target: float) -> Workload[bool]:
    """Measure first calls in processes that find what another compiled; JAX keeps nothing unless it is told to."""

    def of(contender: str) -> Callable[[bool], Step]:
        def prepare(smoke: bool) -> Step:
            bytecode, cache = tempfile.mkdtemp(), tempfile.mkdtemp()
            _run(case, contender, smoke, bytecode, cache)
            return lambda: _run(case, contender, smoke, bytecode, cache)

        return prepare

    names = ("hand", "wengert", "compiled", "jax", "jax_cached")
    return _workload(title, target, {name: of(name) for name in names})


def _workload(title: str, target: float, contenders: dict[str, Callable[[bool], Step]]) -> Workload[bool]:
    return Workload(
        title=title,
        target=target,
        inputs=lambda smoke: smoke,
        contenders=contenders,
        quantity=REPORTED_SECONDS,
        base="jax",
        judged="compiled",
    )


def _run(case: str, contender: str, smoke: bool, bytecode: str, cache: str) -> float:
    """Seconds of the first call in a new interpreter, which finds modules compiled, and code in ``cache``."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "WENGERT_CACHE_DIR": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.pop("WENGERT_NO_CACHE", None)
    if contender == "jax_cached":
        environment |= {
            "JAX_COMPILATION_CACHE_DIR": cache,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
    command = [sys.executable, "-c", _PROGRAM, case, contender, str(int(smoke))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{case} failed in a fresh interpreter:\n{done.stderr}")
    return float(done.stdout)
