"""The native entry, in the subset of ``words.py``: Python objects in, checked; a run of the table; Python objects out.

``enter`` is the function behind every compiled program. The program's *specification*, a row of words that
``entry.py`` writes, says what the arguments have to be and what is made of the outputs. Whatever differs from it,
however slightly, makes the entry return ``NotImplemented``, and Python decides.
"""

from __future__ import annotations

from wengert.compiler.native.arguments import match
from wengert.compiler.native.loop import run_table
from wengert.compiler.native.results import build, make_outputs, retained
from wengert.compiler.native.specification import (
    ARGUMENTS,
    ARGUMENTS_AT,
    ARGV,
    CAPTURED,
    CAPTURED_AT,
    CELL,
    CELL_GUARD,
    COUNTERS,
    CURSOR,
    FRAME_SIZE,
    GUARDS,
    GUARDS_AT,
    HELD,
    NUMBER,
    OBJECTS,
    OUTPUTS,
    OUTPUTS_AT,
    RESULT_AT,
    STATUS,
    TABLE,
    UNLOCKED,
    WORK,
    WORLD,
)
from wengert.compiler.native.words import call, exchange, load, load_int, store, store_int
from wengert.compiler.native.world import (
    BYTES_DATA,
    CELL_GET,
    DICT_GET,
    ERROR_CLEAR,
    FAILED,
    FREE,
    MALLOC,
    NO_MEMORY,
    RELEASE,
    RESTORE,
    RETAIN,
    SAVE,
    TUPLE_DATA,
    UNSUITABLE,
)

__all__ = ["enter"]

_NO_STATUS = -1


def enter(self: int, args: int, count: int) -> int:
    """The entry, as ``METH_FASTCALL`` functions are called; ``self`` is a tuple that begins with the specification."""
    spec = load(self, TUPLE_DATA) + BYTES_DATA
    world = load(spec, WORLD)
    if count != load(spec, ARGUMENTS):
        return retained(world, load(world, UNSUITABLE))
    if not guards_hold(spec, world):
        return retained(world, load(world, UNSUITABLE))
    frame = exchange(load(spec, CELL), 0)
    if frame == 0:
        block = call(load(world, MALLOC), load(spec, FRAME_SIZE) + 64)
        if block == 0:
            return call(load(world, NO_MEMORY))
        frame = (block + 63) & -64
        result = attempt(spec, world, args, frame)
        call(load(world, FREE), block)
        return result
    result = attempt(spec, world, args, frame)
    exchange(load(spec, CELL), frame)
    return result


def guards_hold(spec: int, world: int) -> int:
    """Whether variables outside the function are what they were when it was traced."""
    at = spec + load(spec, GUARDS_AT)
    last = at + 32 * load(spec, GUARDS)
    while at < last:
        if load(at) == CELL_GUARD:
            content = call(load(world, CELL_GET), load(at, 8))
            if content:
                call(load(world, RELEASE), content)  # the cell still holds it
            else:
                call(load(world, ERROR_CLEAR))
            if content != load(at, 24):
                return 0
        else:
            content = call(load(world, DICT_GET), load(at, 8), load(at, 16))
            if content == 0:
                call(load(world, ERROR_CLEAR))
            if content != load(at, 24):
                return 0
        at += 32
    return 1


def attempt(spec: int, world: int, args: int, frame: int) -> int:
    """Check, run, build the result; a new reference, or 0 with a Python exception set."""
    objects = frame + load(spec, OBJECTS)
    store(frame, 0, 0)
    store(frame, 8, frame + load(spec, WORK))
    at = spec + load(spec, CAPTURED_AT)
    k = load(spec, CAPTURED)
    while k > 0:
        at = match(at + 8, load(at), world, frame, objects)
        if at == 0:
            return retained(world, load(world, UNSUITABLE))
        k -= 1
    at = spec + load(spec, ARGUMENTS_AT)
    k = 0
    while k < load(spec, ARGUMENTS):
        at = match(at, load(args, 8 * k), world, frame, objects)
        if at == 0:
            return retained(world, load(world, UNSUITABLE))
        k += 1
    hold(spec, world, objects, RETAIN)
    made = make_outputs(spec, world, frame, objects)
    result = 0
    if made == load(spec, OUTPUTS):
        if run(spec, world, frame, objects):
            result = retained(world, load(world, FAILED))
        else:
            cursor = frame + load(spec, CURSOR)
            store(cursor, 0, spec + load(spec, RESULT_AT))
            result = build(cursor, world, frame, objects)
    at = spec + load(spec, OUTPUTS_AT)
    while made > 0:
        if load(at) != NUMBER:
            call(load(world, RELEASE), load(objects, load(at, 8)))
        at = at + 32 + 8 * load(at, 24)
        made -= 1
    hold(spec, world, objects, RELEASE)
    return result


def run(spec: int, world: int, frame: int, objects: int) -> int:
    """Run the table; the status after it. Long runs let other Python threads work meanwhile."""
    status = load(spec, STATUS)
    if status != _NO_STATUS:
        store_int(frame, status, 0)
    if load(spec, UNLOCKED):
        state = call(load(world, SAVE))
        run_table(load(spec, TABLE), frame, frame + load(spec, COUNTERS), frame + load(spec, ARGV))
        call(load(world, RESTORE), state)
    else:
        run_table(load(spec, TABLE), frame, frame + load(spec, COUNTERS), frame + load(spec, ARGV))
    if status == _NO_STATUS:
        return 0
    return load_int(frame, status)


def hold(spec: int, world: int, objects: int, change: int) -> int:
    """Take or give back references to the inputs, if they are to be held."""
    slot = 16
    last = load(spec, HELD)
    while slot < last:
        call(load(world, change), load(objects, slot))
        slot += 8
    return 0
