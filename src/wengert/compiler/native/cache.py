"""Compiled code kept on disk between processes: named blobs in one file for each key.

A cache may never break or change a result. Files are written under another name and then renamed, so that readers see
all of a file or nothing; each carries a checksum; whatever goes wrong, from a full disk to a truncated file, counts as
not found. ``WENGERT_CACHE_DIR`` names the directory, ``WENGERT_NO_CACHE=1`` switches the cache off.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Mapping
from os.path import expanduser, isabs, join  # pathlib takes longer to import than a file to read

__all__ = ["LIMIT", "directory", "prune", "read", "write"]

LIMIT = 256 << 20
"""Bytes that the files may take together; the ones that were not used for longest go first."""

_MAGIC = b"wengert code 2\n"
_SUFFIX = ".wgc"


def directory() -> str | None:
    """Where files are kept; ``None`` if the cache is off or there is no such place."""
    if os.environ.get("WENGERT_NO_CACHE", "") not in ("", "0"):
        return None
    if chosen := os.environ.get("WENGERT_CACHE_DIR"):
        return chosen
    user = _user_cache()
    return join(user, "wengert") if isabs(user) else None  # noqa: PTH117, PTH118


def _user_cache() -> str:
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA") or expanduser("~/AppData/Local")  # noqa: PTH111
    if sys.platform == "darwin":
        return expanduser("~/Library/Caches")  # noqa: PTH111
    configured = os.environ.get("XDG_CACHE_HOME", "")
    return configured if isabs(configured) else expanduser("~/.cache")  # noqa: PTH111, PTH117


def read(key: str) -> dict[str, bytes] | None:
    """The blobs that :func:`write` was given under ``key``; ``None`` if there are none that are whole."""
    folder = directory()
    if folder is None:
        return None
    path = join(folder, _name(key))  # noqa: PTH118
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
    except OSError:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return _unpack(data)


def write(key: str, blobs: Mapping[str, bytes]) -> None:
    """Keep blobs under a key. Nothing happens if that is not possible."""
    folder = directory()
    if folder is None:
        return
    own = f"{os.getpid()}-{threading.get_ident()}-{os.urandom(4).hex()}.tmp"
    temporary = join(folder, own)  # noqa: PTH118
    with contextlib.suppress(OSError):
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
        try:
            with open(temporary, "xb") as file:  # noqa: PTH123
                file.write(_pack(blobs))
            os.replace(temporary, join(folder, _name(key)))  # noqa: PTH105, PTH118
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
            raise
        prune(folder)


def prune(folder: str, limit: int = LIMIT) -> None:
    """If the files in a folder take more than ``limit`` bytes, remove the oldest until three quarters are left."""
    found: list[tuple[float, int, str]] = []
    with os.scandir(folder) as files:
        for file in files:
            if file.name.endswith((_SUFFIX, ".tmp")):
                with contextlib.suppress(OSError):  # another process has removed it
                    status = file.stat()
                    found.append((status.st_mtime, status.st_size, file.path))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, path in sorted(found):
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        total -= size
        if total <= limit * 3 // 4:
            return


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40] + _SUFFIX


def _pack(blobs: Mapping[str, bytes]) -> bytes:
    parts = [len(blobs).to_bytes(8, "little")]
    for name, blob in blobs.items():
        for part in (name.encode(), blob):
            parts += [len(part).to_bytes(8, "little"), part]
    payload = b"".join(parts)
    return _MAGIC + hashlib.sha256(payload).digest() + payload


def _unpack(data: bytes) -> dict[str, bytes] | None:
    start = len(_MAGIC) + 32
    payload = data[start:]
    if not data.startswith(_MAGIC) or hashlib.sha256(payload).digest() != data[len(_MAGIC) : start]:
        return None
    parts, at = [], 8
    for _ in range(2 * int.from_bytes(payload[:8], "little")):
        size = int.from_bytes(payload[at : at + 8], "little")
        parts.append(payload[at + 8 : at + 8 + size])
        at += 8 + size
    return {name.decode(): blob for name, blob in zip(parts[::2], parts[1::2], strict=True)}
