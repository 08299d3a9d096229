"""Installs what is missing or outdated, and nothing else."""

from __future__ import annotations

import fcntl
import hashlib
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Callable

from . import node, npm, pypi, verdaccio
from .errors import PeerError
from .paths import MACAROON_PLUGIN, PEERS, PYPI_TEMPLATE, PYTHON_PEER, PYTHON_REQUIREMENTS, SAMPLES, SOURCES
from .processes import run

# Says what was installed, so that a change of any input installs anew.
STAMP = PEERS / "installed.json"
LOCK = PEERS / "lock"
SAMPLE = "kybra==0.7.1"


def install(names: list[str]) -> None:
    """Installs the groups named, or all: see `GROUPS`."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise PeerError(f"there is no {', '.join(unknown)} to install; there are {', '.join(GROUPS)}")
    PEERS.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        # Two suites may start at once; the second finds everything installed.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names or GROUPS:
            GROUPS[name]()


def install_npm() -> None:
    package("pnpr")
    npm.program()


def install_verdaccio() -> None:
    package("node")
    node.program()
    for name in verdaccio.PACKAGES.values():
        package(name)


def install_python() -> None:
    plugin = sorted(path for path in MACAROON_PLUGIN.rglob("*") if path.suffix in (".py", ".toml"))
    python = digest(sys.version, PYTHON_REQUIREMENTS, *plugin)
    step("python", "Python index (devpi-server)", python, PYTHON_PEER, pypi.install)
    template = digest(python, SOURCES / "peers" / "pypi.py")
    step("pypi-template", "Python index, its account and index", template, PYPI_TEMPLATE, pypi.prepare_template)


def install_samples() -> None:
    """A real Python release, wheel and sdist, from the user's own index."""
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(SAMPLES)]
    SAMPLES.mkdir(parents=True, exist_ok=True)
    if len(list(SAMPLES.glob(f"{SAMPLE.replace('==', '-')}*"))) < 2:
        run([*pip, SAMPLE], f"fetching the wheel of {SAMPLE}")
        run([*pip, "--no-binary", ":all:", SAMPLE], f"fetching the sdist of {SAMPLE}")


# `pypi` has devpi, pypiserver and what the doubles need.
GROUPS: dict[str, Callable[[], None]] = {
    "npm": install_npm,
    "pypi": install_python,
    "verdaccio": install_verdaccio,
    "samples": install_samples,
}


def package(name: str) -> None:
    step(name, f"{name} from npm", digest(*node.inputs(name)), node.installed(name), partial(node.install, name))


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
