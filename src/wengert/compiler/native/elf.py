"""Object files put into memory without LLVM: ELF for x86-64, as LLVM's small code model makes it.

Loading LLVM takes more than ten times as long, and a process that finds all its code in the cache has no other use for
it. Sections that are needed at run time are laid out one after the other; addresses within them are filled in
(*relocations*, as the System V ABI's supplement for x86-64 defines them); functions defined elsewhere are reached
through a table of jumps. Whatever is not of this kind is refused, and left to LLVM.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
from collections.abc import Callable
from typing import NamedTuple

from wengert.compiler.native.world import immortal

__all__ = ["SUPPORTED", "Refused", "load"]

SUPPORTED = sys.platform == "linux" and sys.maxsize > 2**32
"""Whether processes map memory as this module does; what the file is for is checked for each."""

_X86_64 = b"\x7fELF\x02\x01\x01"
_PROGRAM, _SYMBOLS, _RELOCATIONS, _UNWINDING = 1, 2, 4, 0x70000001
_WRITABLE, _NEEDED = 1, 2
_PC32, _PLT32, _ABSOLUTE, _PC64 = 2, 4, 1, 24
_VIA_TABLE = (9, 41, 42)
_UNDEFINED = 0
_SLOT = 16
_JUMP = b"\xff\x25\x02\x00\x00\x00\x90\x90"  # to the address that follows


class Refused(Exception):
    """An object file that is not of the kind that is put into memory here."""


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry: int


class _Symbol(NamedTuple):
    name: int
    info: int
    other: int
    section: int
    value: int
    size: int


def load(code: bytes, address_of: Callable[[str], int]) -> dict[str, int]:
    """The addresses of an object file's functions; ``address_of`` finds what it calls. The memory stays for good."""
    if not code.startswith(_X86_64) or code[18:20] != b"\x3e\x00":
        raise Refused("not an object file for x86-64")
    image = _Image(code, address_of)
    base = image.map()
    return {name: base + image.place(symbol) for name, symbol in image.functions()}


class _Image:
    """An object file's sections in one piece of memory."""

    def __init__(self, code: bytes, address_of: Callable[[str], int]) -> None:
        self.code, self.address_of = code, address_of
        (start,) = struct.unpack_from("<Q", code, 40)
        (count,) = struct.unpack_from("<H", code, 60)
        self.sections = [_Section(*struct.unpack_from("<IIQQQQIIQQ", code, start + 64 * i)) for i in range(count)]
        (table,) = [section for section in self.sections if section.kind == _SYMBOLS]
        self.names = self.sections[table.link].offset
        places = range(table.offset, table.offset + table.size, 24)
        self.symbols = [_Symbol(*struct.unpack_from("<IBBHQQ", code, place)) for place in places]
        self.starts: dict[int, int] = {}
        size = 0
        for i, section in enumerate(self.sections):
            if section.flags & _NEEDED and section.kind != _UNWINDING and section.size:
                if section.kind != _PROGRAM or section.flags & _WRITABLE:
                    raise Refused("sections of variables")
                size = -(-size // section.align) * section.align
                self.starts[i] = size
                size += section.size
        self.slots: dict[int, int] = {}
        self.table = -(-size // _SLOT) * _SLOT
        self.size = self.table + _SLOT * len(self.symbols)

    def name(self, symbol: _Symbol) -> str:
        start = self.names + symbol.name
        return self.code[start : self.code.index(b"\0", start)].decode()

    def functions(self) -> list[tuple[str, _Symbol]]:
        """Those that the file defines for others, by name."""
        return [(self.name(s), s) for s in self.symbols if s.info == 0x12 and s.section != _UNDEFINED]

    def place(self, symbol: _Symbol) -> int:
        """Where a symbol that the file defines is, from the beginning."""
        if symbol.section not in self.starts:
            raise Refused("a symbol in a section that is not loaded")
        return self.starts[symbol.section] + symbol.value

    def map(self) -> int:
        """Put the sections into memory, and fill in addresses."""
        memory = immortal(mmap.mmap(-1, self.size, prot=mmap.PROT_READ | mmap.PROT_WRITE))
        base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for i, start in self.starts.items():
            section = self.sections[i]
            memory[start : start + section.size] = self.code[section.offset : section.offset + section.size]
        for section in self.sections:
            if section.kind == _RELOCATIONS and section.info in self.starts:
                for at in range(section.offset, section.offset + section.size, 24):
                    self.relocate(memory, base, self.starts[section.info], *struct.unpack_from("<QQq", self.code, at))
        libc = ctypes.CDLL(None, use_errno=True)
        size = -(-self.size // mmap.PAGESIZE) * mmap.PAGESIZE
        if libc.mprotect(ctypes.c_void_p(base), ctypes.c_size_t(size), mmap.PROT_READ | mmap.PROT_EXEC):
            raise Refused("memory can't be made executable")
        return base

    def relocate(self, memory: mmap.mmap, base: int, start: int, offset: int, info: int, addend: int) -> None:
        kind, number = info & 0xFFFFFFFF, info >> 32
        at = start + offset
        symbol = self.symbols[number]
        if kind in _VIA_TABLE:
            target = self.slot(memory, base, number) + 8
        elif symbol.section == _UNDEFINED:
            if kind != _PLT32:
                raise Refused(f"relocation {kind} to another file")
            target = self.slot(memory, base, number)
        else:
            target = self.place(symbol)
        if kind == _ABSOLUTE:
            struct.pack_into("<Q", memory, at, base + target + addend)
        elif kind == _PC64:
            struct.pack_into("<q", memory, at, target + addend - at)
        elif kind in (_PC32, _PLT32, *_VIA_TABLE):
            struct.pack_into("<i", memory, at, target + addend - at)
        else:
            raise Refused(f"relocation {kind}")

    def slot(self, memory: mmap.mmap, base: int, number: int) -> int:
        """The place of a jump to a symbol, whose address follows the jump."""
        if number not in self.slots:
            place = self.slots[number] = self.table + _SLOT * len(self.slots)
            symbol = self.symbols[number]
            if symbol.section == _UNDEFINED:
                address = self.address_of(self.name(symbol))
            else:
                address = base + self.place(symbol)
            memory[place : place + _SLOT] = _JUMP + struct.pack("<Q", address)
        return self.slots[number]
