"""What a fresh recording has that the committed one has not, and the reverse."""

from __future__ import annotations

import gzip
from pathlib import Path

RECORDED = (".json", ".tgz", ".whl", ".tar.gz")


def differences(committed: Path, fresh: Path) -> list[str]:
    names = {path.name for path in [*committed.iterdir(), *fresh.iterdir()] if path.name.endswith(RECORDED)}
    found = []
    for name in sorted(names):
        before, now = committed / name, fresh / name
        if not before.exists():
            found.append(f"{name}: recorded now, not committed")
        elif not now.exists():
            found.append(f"{name}: committed, no longer recorded")
        elif content(before) != content(now):
            found.append(f"{name}: the client sends something else now")
    return found


def content(path: Path) -> bytes:
    """Uncompressed, because another zlib compresses differently."""
    read = path.read_bytes()
    return gzip.decompress(read) if path.name.endswith("gz") else read
