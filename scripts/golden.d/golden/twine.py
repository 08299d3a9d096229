"""What `twine upload FILE` sends."""

from __future__ import annotations

import hashlib
import json
import re
import runpy
import subprocess
import tempfile
from pathlib import Path

from . import archives, clients, recorder

PART = re.compile(
    rb'\r\nContent-Disposition: form-data; name="([^"]*)"(?:; filename="([^"]*)")?'
    rb"(?:\r\nContent-Type: ([^\r]*))?\r\n\r\n(.*)\r\n",
    re.DOTALL,
)


def record(cases: Path, target: Path) -> int:
    """Packs and uploads every case of `cases/cases.py`; writes `NAME.whl` or `NAME.tar.gz`, and `NAME.json`."""
    distributions = runpy.run_path(str(cases / "cases.py"))["CASES"]
    with recorder.listening() as index:
        for name, (filename, files) in distributions.items():
            is_wheel = filename.endswith(".whl")
            content = (archives.zip_stored if is_wheel else archives.tar_gz)(files)
            recording = {"filename": filename, **upload(index, filename, content)}
            (target / f"{name}{'.whl' if is_wheel else '.tar.gz'}").write_bytes(content)
            (target / f"{name}.json").write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n")
    return len(distributions)


def upload(index: recorder.Recorder, filename: str, content: bytes) -> dict:
    """The form of twine's request, or why twine made none."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / filename).write_bytes(content)
        options = ["--non-interactive", "--disable-progress-bar", "--username", "__token__", "--password", "recorded"]
        command = [clients.twine(), "upload", *options, "--repository-url", index.url, filename]
        # Wide enough that twine does not wrap its messages.
        environment = clients.environment(home) | {"COLUMNS": "1000"}
        done = subprocess.run(command, cwd=home, env=environment, stdout=subprocess.PIPE, text=True)
    uploads = index.take()
    if not uploads:
        return {"refused": reason(done.stdout).replace(f"{home}/", "")}
    (sent,) = uploads
    return {"form": form(sent, content)}


def reason(output: str) -> str:
    """twine's last line, without its colours."""
    plain = re.sub(r"\x1b\[\d+m", "", output)
    return plain.strip().splitlines()[-1].removeprefix("ERROR").strip()


def form(sent: recorder.Upload, content: bytes) -> dict[str, list[str]]:
    """Values by field. twine sends the fields in no order; values of one field keep theirs."""
    boundary = sent.content_type.removeprefix("multipart/form-data; boundary=").encode()
    fields: dict[str, list[str]] = {}
    parts = (b"\r\n" + sent.body).split(b"\r\n--" + boundary)
    for part in parts[1:-1]:
        name, filename, media_type, value = PART.fullmatch(part + b"\r\n").groups()
        if filename is not None:
            if value != content:
                raise ValueError(f"twine sent another file than it was given: {len(value)} bytes")
            digest = hashlib.sha256(value).hexdigest()
            value = b"%s, %s, sha256:%s" % (filename, media_type, digest.encode())
        fields.setdefault(name.decode(), []).append(value.decode())
    return dict(sorted(fields.items()))
