"""The process of one contender on one workload: ``python -m benchmarks.worker WORKLOAD CONTENDER [--smoke]``.

It reads requests from standard input, a line each, and answers on what was standard output when it started; whatever
the contender itself prints goes to standard error.
"""

import argparse
import os
import sys
import traceback
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.compare import MismatchError, check
from benchmarks.protocol import Failed, Measure, Measured, Message, Prepare, Prepared, decode, encode
from benchmarks.quantity import Quantity, Step
from benchmarks.workload import Workload, load


class Server:
    """Holds the contender's step between requests."""

    def __init__(self, workload: Workload[Any], contender: str, smoke: bool) -> None:
        self._workload = workload
        self._contender = contender
        self._smoke = smoke
        self._step: Step | None = None

    def answer(self, request: Message) -> Message:
        """Do what is asked; an exception becomes a :class:`Failed`."""
        try:
            match request:
                case Prepare(batch):
                    return self._prepare(batch)
                case Measure(calls) if self._step is not None:
                    return Measured(self._workload.quantity.measure(self._step, calls))
        except MismatchError as mismatch:
            return Failed(str(mismatch))
        except Exception as error:  # whatever a library raises is the contender's result
            return Failed(f"{type(error).__name__}: {error}", traceback.format_exc())
        return Failed(f"{request} can't be asked of this worker now")

    def _prepare(self, batch: float) -> Prepared:
        workload = self._workload
        inputs = workload.inputs(self._smoke)
        step = workload.contenders[self._contender](inputs)
        start = perf_counter()
        answer = step()
        first = perf_counter() - start
        if workload.quantity.checked:
            check(answer, workload.contenders["hand"](inputs)())
        self._step = step
        return Prepared(calibrate(workload.quantity, step, batch), first if workload.quantity.batched else None)


def calibrate(quantity: Quantity, step: Step, batch: float) -> int:
    """How many calls last ``batch`` seconds, found by doubling until half of it is reached."""
    if not quantity.batched:
        return 1
    calls = 1
    while (seconds := quantity.measure(step, calls)) * calls < batch / 2:
        calls *= 2
    return max(1, round(batch / seconds))


def keep_freed_memory() -> None:
    """Free one large block, after which glibc keeps what is freed later and hands it out again.

    A program that has read its data is in that state. A fresh process is not: it would give every large array back to
    the system and spend most of its time in page faults, the same for all contenders.
    """
    np.empty(31 * 2**20, np.uint8)  # glibc takes notice of blocks up to 32 MiB


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="benchmarks.worker")
    parser.add_argument("workload")
    parser.add_argument("contender")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        keep_freed_memory()
        server = Server(load(arguments.workload), arguments.contender, arguments.smoke)
        for line in sys.stdin:
            replies.write(encode(server.answer(decode(line))))
            replies.flush()


if __name__ == "__main__":
    main()
