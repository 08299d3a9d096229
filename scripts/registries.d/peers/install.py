"""Installs what is missing or outdated, and nothing else."""

from __future__ import annotations

import fcntl
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Callable

from . import npm, pypi
from .paths import MACAROON_PLUGIN, NPM_PEER, PEERS, PYPI_TEMPLATE, PYTHON_PEER, PYTHON_REQUIREMENTS, SOURCES

# Says what was installed, so that a change of any input installs anew.
STAMP = PEERS / "installed.json"
LOCK = PEERS / "lock"


def install_all() -> None:
    PEERS.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        # Two suites may start at once; the second finds everything installed.
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_missing()


def install_missing() -> None:
    npm_wanted = f"{npm.PACKAGE}@{npm.VERSION}"
    step("npm", f"npm registry ({npm_wanted})", digest(npm_wanted), NPM_PEER, npm.install)
    plugin = sorted(path for path in MACAROON_PLUGIN.rglob("*") if path.suffix in (".py", ".toml"))
    python = digest(sys.version, PYTHON_REQUIREMENTS, *plugin)
    step("python", "Python index (devpi-server)", python, PYTHON_PEER, pypi.install)
    template = digest(python, SOURCES / "peers" / "pypi.py")
    step("pypi-template", "Python index, its account and index", template, PYPI_TEMPLATE, pypi.prepare_template)


def step(key: str, what: str, wanted: str, result: Path, action: Callable[[], None]) -> None:
    installed = read_stamp()
    if installed.get(key) == wanted and result.exists():
        return
    print(f"installing {what} …", file=sys.stderr, flush=True)
    started = time.monotonic()
    action()
    STAMP.write_text(json.dumps({**installed, key: wanted}, indent=2) + "\n")
    print(f"installed {what} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def read_stamp() -> dict:
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}


def digest(*inputs: str | Path) -> str:
    """A digest of texts and of the contents of files."""
    hasher = hashlib.sha256()
    for item in inputs:
        content = item.read_bytes() if isinstance(item, Path) else item.encode()
        hasher.update(hashlib.sha256(content).digest())
    return hasher.hexdigest()
