"""Compiled code on disk: found by later processes, and never able to break or change anything."""

import ctypes
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from wengert.compiler.native import cache, elf
from wengert.compiler.native.engine import Engine, Source, _vector_mathematics, name_of
from wengert.compiler.native.target import host


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.delenv("WENGERT_NO_CACHE", raising=False)
    monkeypatch.setenv("WENGERT_CACHE_DIR", str(tmp_path / "code"))
    return tmp_path / "code"


BLOBS = {"one": b"\0\1" * 50, "two": b""}


def files(folder):
    return sorted(folder.iterdir()) if folder.exists() else []


def test_what_is_written_is_read(folder):
    assert cache.read("key") is None
    cache.write("key", BLOBS)
    assert cache.read("key") == BLOBS
    assert cache.read("other key") is None
    assert len(files(folder)) == 1
    cache.write("key", {"one": b"new"})
    assert cache.read("key") == {"one": b"new"}


def test_the_cache_can_be_switched_off(folder, monkeypatch):
    cache.write("key", BLOBS)
    monkeypatch.setenv("WENGERT_NO_CACHE", "1")
    assert cache.directory() is None
    assert cache.read("key") is None
    cache.write("other", BLOBS)
    monkeypatch.setenv("WENGERT_NO_CACHE", "0")
    assert cache.read("key") == BLOBS
    assert cache.read("other") is None


@pytest.mark.parametrize(
    ("platform", "variables", "place"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, Path("/x/wengert")),
        ("linux", {"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache" / "wengert"),
        ("linux", {}, Path.home() / ".cache" / "wengert"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, Path.home() / "Library" / "Caches" / "wengert"),
        ("win32", {"LOCALAPPDATA": "/local"}, Path("/local/wengert")),
        ("linux", {"WENGERT_CACHE_DIR": "/mine", "XDG_CACHE_HOME": "/x"}, Path("/mine")),
    ],
)
def test_where_files_are(monkeypatch, platform, variables, place):
    for name in ("WENGERT_NO_CACHE", "WENGERT_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cache.sys, "platform", platform)
    assert Path(cache.directory()) == place


def test_no_home_is_no_cache(monkeypatch):
    for name in ("WENGERT_NO_CACHE", "WENGERT_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    monkeypatch.setattr(cache, "expanduser", lambda path: path)
    assert cache.directory() is None


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other", "head"])
def test_damaged_files_are_not_found(folder, damage):
    cache.write("key", BLOBS)
    (path,) = files(folder)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[:-1],
            "flip": data[:-7] + bytes([data[-7] ^ 1]) + data[-6:],
            "empty": b"",
            "other": b"#!/bin/sh\n",
            "head": data[:20],
        }[damage]
    )
    assert cache.read("key") is None
    cache.write("key", BLOBS)
    assert cache.read("key") == BLOBS


def test_folders_that_cannot_be_written(folder, monkeypatch):
    folder.write_text("a file where the folder should be")
    cache.write("key", BLOBS)
    assert cache.read("key") is None
    assert folder.read_text().startswith("a file")


def test_a_full_disk(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    cache.write("key", BLOBS)
    assert files(folder) == []
    assert cache.read("key") is None


def test_only_the_owner_can_write_to_the_folder(folder):
    cache.write("key", BLOBS)
    assert sys.platform == "win32" or stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


def test_old_files_go_first(folder):
    for i in range(8):
        cache.write(f"key {i}", {"code": bytes(1000)})
        os.utime(folder / cache._name(f"key {i}"), (i, i))
    assert cache.read("key 0") is not None  # which makes it the youngest
    cache.prune(str(folder), 8 * 1200)
    assert len(files(folder)) == 8
    cache.prune(str(folder), 5000)
    left = [i for i in range(8) if cache.read(f"key {i}")]
    assert left == [0, 6, 7]


def test_writers_at_the_same_time(folder):
    found = []

    def work(i):
        for _ in range(20):
            cache.write("key", {"code": bytes([i]) * 1000 * (i + 1)})
            found.append(cache.read("key"))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for blobs in found:
        (code,) = blobs.values()
        assert code == bytes([code[0]]) * 1000 * (code[0] + 1)
    assert [path.suffix for path in files(folder)] == [".wgc"]


# The engine on top of it


def adder(number, calls=""):
    """A function that adds a number, and then calls another function."""
    call = f"%z = call i64 @{calls}(i64 %y)" if calls else "%z = add i64 %y, 0"
    declare = f"declare i64 @{calls}(i64)\n" if calls else ""
    text = f"{declare}define i64 @NAME(i64 %x) {{\n %y = add i64 %x, {number}\n {call}\n ret i64 %z\n}}\n"
    name = name_of(text)
    return name, text.replace("@NAME", f"@{name}"), (calls,) if calls else ()


class Counting:
    """An engine that keeps account of what is compiled; its library's function ``double`` doubles."""

    def __init__(self):
        self.compiled = []
        self.engine = Engine(host(), self.library)
        compile_source = self.engine._compile

        def counted(source):
            self.compiled.append(source.provides)
            return compile_source(source)

        self.engine._compile = counted

    def library(self, name):
        return Source(f"define i64 @{name}(i64 %x) {{\n %y = add i64 %x, %x\n ret i64 %y\n}}\n", (name,))

    def get(self, *numbers, calls=""):
        entries = {name: (text, needs) for name, text, needs in (adder(n, calls) for n in numbers)}

        def build(names):
            needs = tuple({need for name in names for need in entries[name][1]})
            declarations = {line for name in names for line in entries[name][0].splitlines() if line.startswith("decl")}
            body = [line for name in names for line in entries[name][0].splitlines() if not line.startswith("decl")]
            return Source("\n".join([*declarations, *body]), tuple(names), needs)

        found = self.engine.functions(entries, build)
        return [ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(found[adder(n, calls)[0]])(1) for n in numbers]


def test_functions_are_compiled_once(folder):
    process = Counting()
    assert process.get(1, 2) == [2, 3]
    assert process.get(2, 1, 2) == [3, 2, 3]
    assert process.get(2, 3) == [3, 4]
    assert [len(names) for names in process.compiled] == [2, 1]


def test_later_processes_compile_nothing(folder):
    first = Counting()
    first.get(1, 2)
    first.get(2, 3, calls="double")
    first.get(3)
    assert len(first.compiled) == 4  # one of them the library's
    later = Counting()
    assert later.get(2, 3, calls="double") == [6, 8]
    assert later.get(3) == [4]
    assert later.get(1, 2) == [2, 3]
    assert later.compiled == []


def test_a_program_that_shares_functions_is_whole_on_disk(folder):
    """What the first process had in memory from another program, a later one finds in the second program's file."""
    first = Counting()
    first.get(1, calls="double")
    first.get(1, 2, calls="double")
    later = Counting()
    assert later.get(1, 2, calls="double") == [4, 6]
    assert later.compiled == []


def test_without_a_cache_everything_works(folder, monkeypatch):
    monkeypatch.setenv("WENGERT_NO_CACHE", "1")
    for _ in range(2):
        process = Counting()
        assert process.get(1, 2, calls="double") == [4, 6]
        assert len(process.compiled) == 2
    assert files(folder) == []


def test_damaged_code_is_compiled_again(folder):
    Counting().get(5)
    (path,) = files(folder)
    path.write_bytes(path.read_bytes()[:-9])
    process = Counting()
    assert process.get(5) == [6]
    assert len(process.compiled) == 1
    later = Counting()
    assert later.get(5) == [6]
    assert later.compiled == []


def test_another_processor_has_its_own_code(folder):
    Counting().get(5)
    process = Counting()
    target = process.engine.target
    process.engine.target = type(target)(target.key + "another", target.vector_bytes)
    assert process.get(5) == [6]
    assert len(process.compiled) == 1


def test_processes_at_the_same_time(tmp_path):
    code = (
        "from wengert.compiler.native.selftest import available, adding\n"
        "import numpy as np\n"
        "assert available() is None\n"
        "print(adding(2)([np.arange(2), np.array(1), np.array(2)]))\n"
    )
    environment = {**os.environ, "WENGERT_CACHE_DIR": str(tmp_path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    outputs = [process.communicate()[0] for process in running]
    assert outputs == ["[array([1, 2]), array(3)]\n"] * 3
    assert len(files(tmp_path)) == 1


# Object files in memory


def test_llvm_loads_what_is_refused_here(folder, monkeypatch):
    def refused(*_):
        raise elf.Refused("for a test")

    monkeypatch.setattr(elf, "load", refused)
    for _ in range(2):
        assert Counting().get(1, 2, calls="double") == [4, 6]
    monkeypatch.setattr(elf, "SUPPORTED", False)
    assert Counting().get(1, 2, calls="double") == [4, 6]


def object_file(text):
    source = Source(text, ())
    return Engine(host(), lambda name: source)._compile(source).code


def here():
    """Whether object files are loaded without LLVM on this platform."""
    return elf.SUPPORTED and host().codemodel == "small"


def test_constants_and_jumps_in_object_files():
    """Constants far from code, a table of addresses, functions that call one another and the C library's."""
    if not here():
        return
    rows = "".join(f"  i64 {i}, label %case{i}\n" for i in range(8))
    cases = "".join(f"case{i}:\n  ret i64 {i * i + 7}\n" for i in range(8))
    text = f"""
@numbers = internal constant [4 x double] [double 1.5, double 2.5, double 3.5, double 4.5]
declare double @fmod(double, double)
define double @pick(i64 %i) {{
  %p = getelementptr [4 x double], ptr @numbers, i64 0, i64 %i
  %x = load double, ptr %p
  %y = call double @fmod(double %x, double 2.0)
  ret double %y
}}
define i64 @choose(i64 %i) {{
  switch i64 %i, label %other [
{rows}  ]
{cases}other:
  ret i64 -1
}}
define <4 x double> @unused(<4 x double> %x) {{
  %y = fadd <4 x double> %x, <double 0.1, double 0.2, double 0.3, double 0.4>
  ret <4 x double> %y
}}
define i64 @twice(i64 %i) {{
  %a = call i64 @choose(i64 %i)
  %b = add i64 %a, %a
  ret i64 %b
}}
"""
    engine = Engine(host(), lambda name: Source("", ()))
    found = elf.load(object_file(text), engine._address_of)
    assert sorted(found) == ["choose", "pick", "twice", "unused"]
    pick = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int64)(found["pick"])
    assert [pick(i) for i in range(4)] == [1.5, 0.5, 1.5, 0.5]
    twice = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(found["twice"])
    assert [twice(i) for i in range(9)] == [2 * (i * i + 7) for i in range(8)] + [-2]


def test_object_files_that_are_refused():
    if not here():
        return
    engine = Engine(host(), lambda name: Source("", ()))
    with pytest.raises(elf.Refused, match="not an object file for x86-64"):
        elf.load(b"\xcf\xfa\xed\xfe" + bytes(100), engine._address_of)
    with pytest.raises(elf.Refused, match="sections of variables"):
        elf.load(object_file("@x = global i64 3\n"), engine._address_of)
    text = "declare i64 @nowhere(i64)\ndefine i64 @f(i64 %x) {\n %y = call i64 @nowhere(i64 %x)\n ret i64 %y\n}\n"
    with pytest.raises(elf.Refused, match="no function nowhere"):
        elf.load(object_file(text), engine._address_of)


def test_mistakes_in_a_text_are_errors(folder):
    engine = Engine(host(), lambda name: Source("", ()))
    for text in (
        "define i64 @f( {",
        "define i64 @f(i64 %x) {\n %y = add i64 %x, %z\n %z = add i64 %y, 1\n ret i64 %z\n}",
    ):
        with pytest.raises(RuntimeError):
            engine.functions(["f"], lambda _, text=text: Source(text, ("f",)))
    with pytest.raises(ValueError, match="There is no function wg_tanh"):
        _vector_mathematics("wg_tanh")
