"""The native loop that runs a program's table, in the subset of ``words.py``.

A table is a row of words: records that each begin with what to do.

=======  =============================================================================================================
END
CALL     function, begin, end, count, crew, chunk, then for each argument its slot and offset
STEP     the same in a loop: function, begin, end, count, crew, chunk, depth, then for each argument its slot, offset
         and one stride for each loop
LOOP     the counter's position, the number of rounds, the number of words of the body, the body, END
=======  =============================================================================================================

A slot is the position, in bytes, of a base address in ``bases``; an argument is the base plus the offset plus, in
loops, each loop's counter times its stride. Slot 0 holds 0, so that an offset is the argument itself. A function is
called for the range from begin to end: in one piece, or, if ``crew`` isn't 0, in chunks shared among threads.
"""

from __future__ import annotations

from wengert.compiler.native.crew import share
from wengert.compiler.native.words import call, load, store, store_int

__all__ = ["CALL", "END", "LOOP", "STEP", "add_words", "run_table"]

END = 0
CALL = 1
STEP = 2
LOOP = 3


def run_table(table: int, bases: int, counters: int, argv: int) -> int:
    """Do what the records say; ``argv`` has room for the arguments of any call."""
    while True:
        kind = load(table)
        if kind == CALL:
            at = table + 56
            to = argv
            last = argv + 8 * load(table, 32)
            while to < last:
                store(to, 0, load(bases + load(at)) + load(at, 8))
                at += 16
                to += 8
            if load(table, 40):
                share(load(table, 40), load(table, 8), argv, load(table, 16), load(table, 24), load(table, 48))
            else:
                call(load(table, 8), argv, load(table, 16), load(table, 24))
            table = at
        elif kind == STEP:
            depth = load(table, 56)
            at = table + 64
            to = argv
            last = argv + 8 * load(table, 32)
            while to < last:
                place = load(bases + load(at)) + load(at, 8)
                at += 16
                k = 0
                while k < depth:
                    place += load(counters + 8 * k) * load(at)
                    at += 8
                    k += 1
                store(to, 0, place)
                to += 8
            if load(table, 40):
                share(load(table, 40), load(table, 8), argv, load(table, 16), load(table, 24), load(table, 48))
            else:
                call(load(table, 8), argv, load(table, 16), load(table, 24))
            table = at
        elif kind == LOOP:
            counter = counters + load(table, 8)
            rounds = load(table, 16)
            i = 0
            while i < rounds:
                store(counter, 0, i)
                run_table(table + 32, bases, counters, argv)
                i += 1
            table = table + 32 + 8 * load(table, 24)
        else:
            return 0


def add_words(argv: int, begin: int, end: int) -> int:
    """A kernel for tests: ``out[i] = a[i] + b[0]`` in integers; 1 as the status if ``a[i]`` is -1.

    Its operands are ``a``, ``b``, ``out`` and the status.
    """
    a = load(argv)
    b = load(load(argv, 8))
    out = load(argv, 16)
    i = begin
    while i < end:
        if load(a + 8 * i) == -1:
            store_int(load(argv, 24), 0, 1)
        store(out + 8 * i, 0, load(a + 8 * i) + b)
        i += 1
    return 0
