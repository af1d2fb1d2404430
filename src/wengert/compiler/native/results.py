"""Python objects made as a specification says, in the subset of ``words.py``: arrays for outputs, and results."""

from __future__ import annotations

from wengert.compiler.native.specification import (
    LARGE,
    NEW_DICT,
    NEW_LIST,
    NUMBER,
    NUMPY_SCALAR,
    OBJECT,
    OUTPUT,
    OUTPUTS,
    OUTPUTS_AT,
    PYTHON_BOOL,
    PYTHON_FLOAT,
    PYTHON_INT,
)
from wengert.compiler.native.words import call, double_call, int32, load, load_byte, store
from wengert.compiler.native.world import (
    BOOL_FROM,
    DATA,
    DICT_NEW,
    DICT_SET,
    ERROR_CLEAR,
    FLOAT_FROM,
    INT_FROM,
    LIST_NEW,
    LIST_SET,
    NDARRAY,
    NEW_ARRAY,
    NO_MEMORY,
    POOL,
    RELEASE,
    RETAIN,
    SCALAR,
    SET_HANDLER,
    TUPLE_NEW,
    TUPLE_SET,
)

__all__ = ["build", "make_outputs", "retained"]


def retained(world: int, value: int) -> int:
    """A new reference."""
    call(load(world, RETAIN), value)
    return value


def make_outputs(spec: int, world: int, frame: int, objects: int) -> int:
    """Memory for every output: arrays, or words of the frame for numbers. How many could be made."""
    at = spec + load(spec, OUTPUTS_AT)
    made = 0
    while made < load(spec, OUTPUTS):
        slot = load(at, 8)
        if load(at) == NUMBER:
            store(frame, slot, frame + load(at, 16))
        else:
            array = 0
            if load(at) == LARGE:
                array = new_large_array(at, world)
            else:
                array = new_array(at, world)
            if array == 0:
                return made
            store(objects, slot, array)
            store(frame, slot, load(array, DATA))
        at = at + 32 + 8 * load(at, 24)
        made += 1
    return made


def new_array(at: int, world: int) -> int:
    """An array of memory that is not initialised."""
    descr = retained(world, load(at, 16))
    return call(load(world, NEW_ARRAY), load(world, NDARRAY), descr, load(at, 24), at + 32, 0, 0, 0, 0)


def new_large_array(at: int, world: int) -> int:
    """The same, with memory from the pool."""
    former = call(load(world, SET_HANDLER), load(world, POOL))
    if former == 0:
        return 0
    array = new_array(at, world)
    replaced = 0
    if array:
        replaced = call(load(world, SET_HANDLER), former)
        if replaced == 0:
            call(load(world, RELEASE), array)
            array = 0
    else:
        call(load(world, ERROR_CLEAR))
        replaced = call(load(world, SET_HANDLER), former)
        if replaced:
            call(load(world, NO_MEMORY))
    if replaced:
        call(load(world, RELEASE), replaced)
    call(load(world, RELEASE), former)
    return array


def build(cursor: int, world: int, frame: int, objects: int) -> int:
    """The object that the specification at the cursor describes, which moves on: a new reference, or 0."""
    at = load(cursor)
    kind = load(at)
    if kind == OUTPUT:
        store(cursor, 0, at + 16)
        return retained(world, load(objects, load(at, 8)))
    if kind == OBJECT:
        store(cursor, 0, at + 16)
        return retained(world, load(at, 8))
    if kind == NUMPY_SCALAR:
        store(cursor, 0, at + 24)
        return call(load(world, SCALAR), load(frame, load(at, 8)), load(at, 16), 0)
    if kind == PYTHON_FLOAT:
        store(cursor, 0, at + 16)
        return double_call(load(world, FLOAT_FROM), load(load(frame, load(at, 8))))
    if kind == PYTHON_INT:
        store(cursor, 0, at + 16)
        return call(load(world, INT_FROM), load(load(frame, load(at, 8))))
    if kind == PYTHON_BOOL:
        store(cursor, 0, at + 16)
        return call(load(world, BOOL_FROM), load_byte(load(frame, load(at, 8))))
    if kind == NEW_DICT:
        return build_dict(cursor, world, frame, objects)
    return build_sequence(cursor, world, frame, objects)


def build_sequence(cursor: int, world: int, frame: int, objects: int) -> int:
    """A list or a tuple."""
    at = load(cursor)
    count = load(at, 8)
    put = load(world, TUPLE_SET)
    made = 0
    if load(at) == NEW_LIST:
        made = call(load(world, LIST_NEW), count)
        put = load(world, LIST_SET)
    else:
        made = call(load(world, TUPLE_NEW), count)
    store(cursor, 0, at + 16)
    if made == 0:
        return 0
    k = 0
    while k < count:
        item = build(cursor, world, frame, objects)
        if item == 0 or int32(call(put, made, k, item)) != 0:
            call(load(world, RELEASE), made)
            return 0
        k += 1
    return made


def build_dict(cursor: int, world: int, frame: int, objects: int) -> int:
    """A dict."""
    at = load(cursor)
    count = load(at, 8)
    made = call(load(world, DICT_NEW))
    store(cursor, 0, at + 16)
    if made == 0:
        return 0
    while count > 0:
        key = load(load(cursor))
        store(cursor, 0, load(cursor) + 8)
        item = build(cursor, world, frame, objects)
        failed = 1
        if item:
            failed = int32(call(load(world, DICT_SET), made, key, item))
            call(load(world, RELEASE), item)
        if failed:
            call(load(world, RELEASE), made)
            return 0
        count -= 1
    return made
