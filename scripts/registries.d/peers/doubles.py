"""The doubles of the public registries, each in a process of its own."""

from __future__ import annotations

from pathlib import Path

from .errors import PeerError
from .paths import PYTHON_PEER, SOURCES
from .processes import Service, free_port

READY_WITHIN_S = 30


def start(name: str, directory: Path) -> tuple[Service, dict]:
    """Starts the double of `npm` or `pypi`; returns it, and where it and its control interface are."""
    directory.mkdir(parents=True, exist_ok=True)
    python = PYTHON_PEER / "bin" / "python"
    if not python.exists():
        raise PeerError("the doubles' libraries are not installed: run scripts/registries install pypi")
    port, control_port = free_port(), free_port()
    command = [str(python), "-B", "-m", "doubles", name, str(port), str(control_port)]
    service = Service(f"double of {name}", command, directory / "double.log", cwd=SOURCES)
    url = f"http://127.0.0.1:{port}"
    try:
        service.wait_until_ready(f"{url}/-/ping", READY_WITHIN_S)
    except BaseException:
        service.stop()
        raise
    return service, {"url": url, "control_url": f"http://127.0.0.1:{control_port}"}
