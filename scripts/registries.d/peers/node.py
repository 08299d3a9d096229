"""npm packages with their lock files, and the Node.js that runs them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from .errors import PeerError
from .paths import PACKAGES, PEERS
from .processes import run

# What Verdaccio needs.
MAJOR = 24


def installed(name: str) -> Path:
    return PEERS / name


def inputs(name: str) -> list[Path]:
    """What says which packages are to be installed; a package without dependencies of its own has no lock file."""
    files = [PACKAGES / name / "package.json", PACKAGES / name / "package-lock.json"]
    return [file for file in files if file.exists()]


def install(name: str) -> None:
    """Installs exactly what the files name, running no scripts."""
    npm = shutil.which("npm")
    if npm is None:
        raise PeerError("npm is missing: install Node.js 20 or newer (Debian: apt-get install nodejs npm)")
    target = installed(name)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source in inputs(name):
        shutil.copy(source, target)
    action = "ci" if (target / "package-lock.json").exists() else "install"
    command = [npm, action, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run(command, f"npm {action} of {name}", cwd=target)


def program() -> str:
    """A Node.js that is new enough: the one that npm brought, where it has one for this platform."""
    for candidate in sorted(installed("node").glob("node_modules/node-*/bin/node")):
        return str(candidate)
    node = shutil.which("node")
    if node is not None:
        version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout
        if (found := re.match(r"v(\d+)\.", version)) and int(found[1]) >= MAJOR:
            return node
    raise PeerError(f"Verdaccio needs Node.js {MAJOR} or newer: install it")
