"""Memory of large outputs, kept for reuse when it is freed, in the subset of ``words.py``.

A fresh block of many pages costs as much time as a pass over it, since the system clears every page. NumPy lets a
program supply its own functions to allocate arrays' data. These round sizes up to pages, align data to 64 bytes, and
keep freed blocks, up to a limit, for the next request of the same size. NumPy calls them with the interpreter's lock
held, so there is no lock here.

``state`` is a row of words: where the table of ``world.py`` is, bytes kept, the limit of these, how many blocks are
kept, and the blocks. A block's data is preceded by two words: the address to free, and its size.
"""

from __future__ import annotations

from wengert.compiler.native.words import call, int32, load, store
from wengert.compiler.native.world import FREE, MADVISE, MALLOC, MEMMOVE, MEMSET

__all__ = ["KEPT_BLOCKS", "pool_calloc", "pool_free", "pool_malloc", "pool_realloc", "pool_trim"]

WORLD = 0
KEPT = 8
LIMIT = 16
COUNT = 24
BLOCKS = 32
KEPT_BLOCKS = 64

_PAGE = 4096
_HUGE = 4194304
_WANT_HUGE_PAGES = 14


def pool_malloc(state: int, size: int) -> int:
    """A block of at least ``size`` bytes, or 0."""
    rounded = (size + 4095) & -4096
    k = load(state, COUNT) - 1
    while k >= 0:
        data = load(state + 8 * k, BLOCKS)
        if load(data, -8) == rounded:
            remove(state, k)
            return data
        k -= 1
    world = load(state, WORLD)
    if rounded < size:
        return 0
    block = call(load(world, MALLOC), rounded + 128)
    if block == 0:
        return 0
    data = (block + 79) & -64
    store(data, -16, block)
    store(data, -8, rounded)
    if rounded >= _HUGE and load(world, MADVISE):
        start = (data + 4095) & -4096
        int32(call(load(world, MADVISE), start, rounded - _PAGE, _WANT_HUGE_PAGES))
    return data


def remove(state: int, k: int) -> int:
    """Take block ``k`` out of those that are kept; the later ones move up."""
    data = load(state + 8 * k, BLOCKS)
    count = load(state, COUNT) - 1
    store(state, COUNT, count)
    store(state, KEPT, load(state, KEPT) - load(data, -8))
    while k < count:
        store(state + 8 * k, BLOCKS, load(state + 8 * k, BLOCKS + 8))
        k += 1
    return data


def pool_free(state: int, data: int, size: int) -> int:
    """Keep a block, and release the oldest ones if that is too much."""
    if data == 0:
        return 0
    world = load(state, WORLD)
    if load(data, -8) > load(state, LIMIT):
        return call(load(world, FREE), load(data, -16))
    pool_trim(state, load(state, LIMIT) - load(data, -8), KEPT_BLOCKS - 1)
    count = load(state, COUNT)
    store(state + 8 * count, BLOCKS, data)
    store(state, COUNT, count + 1)
    store(state, KEPT, load(state, KEPT) + load(data, -8))
    return 0


def pool_trim(state: int, limit: int, count: int) -> int:
    """Release the oldest blocks until at most ``limit`` bytes in ``count`` blocks are kept."""
    world = load(state, WORLD)
    while load(state, KEPT) > limit or load(state, COUNT) > count:
        call(load(world, FREE), load(remove(state, 0), -16))
    return 0


def pool_calloc(state: int, count: int, size: int) -> int:
    """A block of zeros."""
    data = pool_malloc(state, count * size)
    if data:
        call(load(load(state, WORLD), MEMSET), data, 0, count * size)
    return data


def pool_realloc(state: int, data: int, size: int) -> int:
    """A block of another size with the same contents."""
    if data and load(data, -8) >= size and load(data, -8) - size < _PAGE:
        return data
    new = pool_malloc(state, size)
    if new and data:
        kept = load(data, -8)
        if size < kept:
            kept = size
        call(load(load(state, WORLD), MEMMOVE), new, data, kept)
        pool_free(state, data, 0)
    return new
