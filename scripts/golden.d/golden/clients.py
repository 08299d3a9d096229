"""The clients whose requests are recorded, in the versions that the recordings were made with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NPM_VERSION = "11.21.2"
TWINE_VERSION = "7.0.0"
# twine reads metadata with this library, so that its version shows in what is sent.
PACKAGING_VERSION = "26.3"

ROOT = Path(__file__).resolve().parents[3] / ".build/golden"


def npm() -> Path:
    """npm's program, installed when it is not there."""
    directory = ROOT / f"npm-{NPM_VERSION}"
    program = directory / "node_modules/npm/bin/npm-cli.js"
    if not program.exists():
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "package.json").write_text("{}\n")
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"npm@{NPM_VERSION}"]
        subprocess.run(install, cwd=directory, check=True)
    return program


def twine() -> Path:
    """twine's program, installed when it is not there."""
    directory = ROOT / f"twine-{TWINE_VERSION}-{PACKAGING_VERSION}"
    program = directory / "bin/twine"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        packages = [f"twine=={TWINE_VERSION}", f"packaging=={PACKAGING_VERSION}"]
        subprocess.run([directory / "bin/pip", "install", "--quiet", *packages], check=True)
    return program


def environment(home: Path) -> dict[str, str]:
    """Neither the user's configuration nor the surrounding continuous integration may show in what is sent."""
    kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": str(home)}
