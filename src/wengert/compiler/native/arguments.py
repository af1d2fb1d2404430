"""Python objects checked against a specification, in the subset of ``words.py``.

No Python code runs between a check and the use of what was checked: strings, numbers and containers of exact built-in
types are looked at, and all else is compared by identity.
"""

from __future__ import annotations

from wengert.compiler.native.specification import (
    ARRAY,
    DICT_OF,
    FLOAT_BITS,
    FROM_BOOL,
    FROM_FLOAT,
    FROM_NUMPY,
    IDENTITY,
    LIST_OF,
    NUMBER,
    TUPLE_OF,
)
from wengert.compiler.native.words import (
    call,
    call_double,
    float32,
    int32,
    load,
    load_int,
    store,
    store_byte,
    store_int,
)
from wengert.compiler.native.world import (
    AS_CTYPE,
    DATA,
    DESCR,
    DICT,
    DICT_NEXT,
    DICT_SIZE,
    DIMS,
    DOUBLE_OF_FLOAT,
    DOUBLE_OF_INT,
    EQUIVALENT,
    ERROR,
    ERROR_CLEAR,
    FLAGS,
    INT_OF,
    LIST,
    LIST_ITEM,
    LIST_SIZE,
    NDARRAY,
    NDIM,
    SAME,
    STR,
    STR_COMPARE,
    TRUE,
    TUPLE,
    TUPLE_ITEM,
    TUPLE_SIZE,
    TYPE,
)

__all__ = ["match"]

_DENSE = 0x101  # C-contiguous and aligned
_EQUAL = 2


def match(at: int, value: int, world: int, frame: int, objects: int) -> int:
    """Check a value against the specification at ``at``; where the specification goes on, 0 if the value differs."""
    kind = load(at)
    if kind == ARRAY:
        return match_array(at, value, world, frame, objects)
    if kind == LIST_OF or kind == TUPLE_OF:  # noqa: SIM109
        return match_sequence(at, value, world, frame, objects)
    if kind == DICT_OF:
        return match_dict(at, value, world, frame, objects)
    if kind == NUMBER:
        return match_number(at, value, world, frame, objects)
    if kind == IDENTITY:
        if value == load(at, 8):
            return at + 16
        return 0
    if load(value, TYPE) != load(at, 8):
        return 0
    if load(at, 24) == FLOAT_BITS:
        if call_double(load(world, DOUBLE_OF_FLOAT), value) == load(at, 16):
            return at + 32
        return 0
    if value == load(at, 16) or int32(call(load(world, SAME), value, load(at, 16), _EQUAL)) == 1:
        return at + 32
    return 0


def match_array(at: int, value: int, world: int, frame: int, objects: int) -> int:
    """An array of the dtype and shape stated, dense."""
    if load(value, TYPE) != load(world, NDARRAY):
        return 0
    rank = load_int(value, NDIM)
    if rank != load(at, 24) or (load_int(value, FLAGS) & _DENSE) != _DENSE:
        return 0
    descr = load(value, DESCR)
    if descr != load(at, 16) and (call(load(world, EQUIVALENT), descr, load(at, 16)) & 255) == 0:
        return 0
    dims = load(value, DIMS)
    slot = load(at, 8)
    at += 32
    last = at + 8 * rank
    while at < last:
        if load(dims) != load(at):
            return 0
        dims += 8
        at += 8
    store(frame, slot, load(value, DATA))
    store(objects, slot, value)
    return at


def match_number(at: int, value: int, world: int, frame: int, objects: int) -> int:
    """A number of the exact type stated, written to memory in the input's dtype (``size`` bytes, a float or not)."""
    if load(value, TYPE) != load(at, 16):
        return 0
    slot = load(at, 8)
    how = load(at, 24)
    place = frame + load(at, 32)
    size = load(at, 40)
    if how == FROM_NUMPY:
        call(load(world, AS_CTYPE), value, place)
    elif how == FROM_BOOL:
        store_byte(place, 0, value == load(world, TRUE))
    elif size > 0:
        bits = 0
        if how == FROM_FLOAT:
            bits = call_double(load(world, DOUBLE_OF_FLOAT), value)
        else:
            bits = call_double(load(world, DOUBLE_OF_INT), value)
            if call(load(world, ERROR)):
                call(load(world, ERROR_CLEAR))
                return 0
        if size == 8:
            store(place, 0, bits)
        else:
            store_int(place, 0, float32(bits))
    else:
        number = call(load(world, INT_OF), value)
        if number == -1 and call(load(world, ERROR)):
            call(load(world, ERROR_CLEAR))
            return 0
        store(place, 0, number)
    store(frame, slot, place)
    store(objects, slot, value)
    return at + 48


def match_sequence(at: int, value: int, world: int, frame: int, objects: int) -> int:
    """A list or tuple of as many items."""
    item_of = load(world, LIST_ITEM)
    count = load(at, 8)
    if load(at) == LIST_OF:
        if load(value, TYPE) != load(world, LIST) or call(load(world, LIST_SIZE), value) != count:
            return 0
    else:
        if load(value, TYPE) != load(world, TUPLE) or call(load(world, TUPLE_SIZE), value) != count:
            return 0
        item_of = load(world, TUPLE_ITEM)
    at += 16
    k = 0
    while k < count:
        at = match(at, call(item_of, value, k), world, frame, objects)
        if at == 0:
            return 0
        k += 1
    return at


def match_dict(at: int, value: int, world: int, frame: int, objects: int) -> int:
    """A dict of these keys in this order. Its words ``position, key, value`` lie in the frame."""
    if load(value, TYPE) != load(world, DICT) or call(load(world, DICT_SIZE), value) != load(at, 8):
        return 0
    count = load(at, 8)
    words = frame + load(at, 16)
    store(words, 0, 0)
    at += 24
    while count > 0:
        if int32(call(load(world, DICT_NEXT), value, words, words + 8, words + 16)) == 0:
            return 0
        key = load(words, 8)
        if key != load(at):
            if load(key, TYPE) != load(world, STR) or load(load(at), TYPE) != load(world, STR):
                return 0
            if int32(call(load(world, STR_COMPARE), key, load(at))) != 0:
                return 0
        at = match(at + 8, load(words, 16), world, frame, objects)
        if at == 0:
            return 0
        count -= 1
    return at
