"""The harness's end of a worker process."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import IO

from benchmarks.protocol import Failed, Measure, Measured, Message, Prepare, Prepared, decode, encode

_ROOT = Path(__file__).resolve().parents[1]

_THREAD_COUNTS = (
    "BLIS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NPROC",  # what XLA sizes its thread pools by
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "WENGERT_NUM_THREADS",
)


class WorkerError(Exception):
    """A worker answered that it failed, or did not answer."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.reason)
        self.failed = failed


class Client:
    """Asks one worker, and waits for its answers."""

    def __init__(self, process: subprocess.Popen[str], stderr: IO[str], timeout: float) -> None:
        self._process = process
        self._stderr = stderr
        self._timeout = timeout

    def prepare(self, batch: float) -> Prepared:
        """Have the step built, checked and calibrated to ``batch`` seconds."""
        reply = self._ask(Prepare(batch))
        assert isinstance(reply, Prepared)
        return reply

    def measure(self, calls: int) -> float:
        """What one call costs, over a batch of ``calls``."""
        reply = self._ask(Measure(calls))
        assert isinstance(reply, Measured)
        return reply.amount

    def _ask(self, request: Message) -> Message:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        guard = Timer(self._timeout, self._process.kill)
        guard.start()
        try:
            self._process.stdin.write(encode(request))
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            guard.cancel()
        reply = decode(line) if line else self._obituary()
        if isinstance(reply, Failed):
            raise WorkerError(reply)
        return reply

    def _obituary(self) -> Failed:
        status = self._process.wait()
        self._stderr.seek(0)
        reason = f"its process ended with status {status} (it is killed after {self._timeout:g} s without an answer)"
        return Failed(reason, self._stderr.read())


@contextmanager
def start(workload: str, contender: str, *, threads: int, smoke: bool, timeout: float) -> Iterator[Client]:
    """Start a process for one contender on one workload, and end it in the end."""
    command = [sys.executable, "-m", "benchmarks.worker", workload, contender, *(["--smoke"] if smoke else [])]
    with (
        tempfile.TemporaryFile("w+", errors="replace") as stderr,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(threads) | {"TMPDIR": scratch},
            text=True,
        ) as process,
    ):
        try:
            yield Client(process, stderr, timeout)
        finally:
            process.kill()


def environment(threads: int) -> dict[str, str]:
    """Environment variables of a worker: so many threads for every library; for JAX double precision and the CPU.

    wengert keeps no compiled code on disk, so that the time of the first call does not depend on earlier runs.
    """
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    eigen = "true" if threads > 1 else "false"
    return {
        **os.environ,
        **dict.fromkeys(_THREAD_COUNTS, str(threads)),
        "JAX_ENABLE_X64": "1",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": path,
        "WENGERT_NO_CACHE": "1",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}",
    }
