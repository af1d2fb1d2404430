"""Threads that share the chunks of a range, in the subset of ``words.py``.

One caller at a time has the crew; others do their work alone. The caller describes the job, opens the gate, and takes
chunks itself until none is left. Whoever else comes through the gate takes chunks as well. Then the caller closes the
gate and waits for those who are inside, each of which has at most one chunk to finish: it never waits for a thread that
has not started, so a thread that the system does not run costs nothing but its help.

Idle threads look at the gate for a short time and then sleep until they are woken.

``crew`` is a row of words, those that are written by several threads far apart.
"""

from __future__ import annotations

from wengert.compiler.native.words import add_to, call, compare_exchange, exchange, load, pause, store
from wengert.compiler.native.world import CONDITION_WAIT, CONDITION_WAKE, MUTEX_LOCK, MUTEX_UNLOCK, YIELD

__all__ = ["SIZE", "share", "work"]

WORLD = 0
MUTEX = 8
CONDITION = 16
FUNCTION = 24
ARGV = 32
END = 40
CHUNK = 48
JOB = 128
"""The job's number."""
TAKEN = 256
"""Whether some caller has the crew."""
GATE = 384
"""How many threads are inside, and ``OPEN`` if more may come in."""
NEXT = 512
"""Where the next chunk begins."""
ASLEEP = 640
"""How many threads sleep, or are about to."""
SIZE = 768

OPEN = 4294967296
_LOOKS = 3000
_PATIENCE = 200


def share(crew: int, function: int, argv: int, begin: int, end: int, chunk: int) -> int:
    """Call a function for a range, with the help of whoever has time."""
    if exchange(crew + TAKEN, 1):
        return call(function, argv, begin, end)
    store(crew, FUNCTION, function)
    store(crew, ARGV, argv)
    store(crew, END, end)
    store(crew, CHUNK, chunk)
    exchange(crew + NEXT, begin)
    add_to(crew + JOB, 1)
    exchange(crew + GATE, OPEN)
    if add_to(crew + ASLEEP, 0) > 0:
        world = load(crew, WORLD)
        call(load(world, MUTEX_LOCK), load(crew, MUTEX))
        call(load(world, CONDITION_WAKE), load(crew, CONDITION))
        call(load(world, MUTEX_UNLOCK), load(crew, MUTEX))
    take_chunks(crew)
    add_to(crew + GATE, -OPEN)
    waits = 0
    while add_to(crew + GATE, 0):
        waits += 1
        if waits > _PATIENCE:
            call(load(load(crew, WORLD), YIELD))
        else:
            pause()
    exchange(crew + TAKEN, 0)
    return 0


def take_chunks(crew: int) -> int:
    """Do chunks until none is left."""
    function = load(crew, FUNCTION)
    argv = load(crew, ARGV)
    chunk = load(crew, CHUNK)
    end = load(crew, END)
    begin = add_to(crew + NEXT, chunk)
    while begin < end:
        last = begin + chunk
        if last > end:
            last = end
        call(function, argv, begin, last)
        begin = add_to(crew + NEXT, chunk)
    return 0


def came_in(crew: int, done: int) -> int:
    """Go through the gate, if it is open for another job than ``done``."""
    if add_to(crew + JOB, 0) == done:
        return 0
    gate = add_to(crew + GATE, 0)
    while gate >= OPEN:
        found = compare_exchange(crew + GATE, gate, gate + 1)
        if found == gate:
            return 1
        gate = found
    return 0


def work(crew: int) -> int:
    """What each thread does for good."""
    world = load(crew, WORLD)
    done = 0
    while True:
        looks = 0
        inside = came_in(crew, done)
        while inside == 0 and looks < _LOOKS:
            pause()
            looks += 1
            if load(crew, JOB) != done:
                inside = came_in(crew, done)
        if inside == 0:
            call(load(world, MUTEX_LOCK), load(crew, MUTEX))
            add_to(crew + ASLEEP, 1)
            inside = came_in(crew, done)
            while inside == 0:
                call(load(world, CONDITION_WAIT), load(crew, CONDITION), load(crew, MUTEX))
                inside = came_in(crew, done)
            add_to(crew + ASLEEP, -1)
            call(load(world, MUTEX_UNLOCK), load(crew, MUTEX))
        done = add_to(crew + JOB, 0)
        take_chunks(crew)
        add_to(crew + GATE, -1)
