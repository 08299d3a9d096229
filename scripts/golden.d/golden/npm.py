"""What `npm publish FILE.tgz` sends."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from . import archives, clients, recorder

# Stands for the registry in the recordings.
REGISTRY = "http://npm.registry.example/"


def record(cases: Path, target: Path) -> int:
    """Packs and publishes every case of `cases/cases.cjs`; writes `NAME.tgz` and `NAME.json` into `target`."""
    described = subprocess.run(
        ["node", "--print", "JSON.stringify(require('./cases.cjs'))"], cwd=cases, check=True, stdout=subprocess.PIPE
    )
    packages = json.loads(described.stdout)
    with recorder.listening() as registry:
        for name, files in packages.items():
            tarball = pack(files)
            recording = publish(registry, tarball, arguments(files["package.json"]))
            (target / f"{name}.tgz").write_bytes(tarball)
            (target / f"{name}.json").write_text(readable(json.dumps(recording, indent=1, ensure_ascii=False)) + "\n")
    return len(packages)


def readable(text: str) -> str:
    """npm sends a lone half of a surrogate pair as it is; UTF-8 has none."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pack(files: dict) -> bytes:
    """`(top)` names the top directory; an object is written as JSON, one with `(base64)` as those bytes."""
    top = files.pop("(top)", "package")
    return archives.tar_gz({f"{top}/{path}": file_bytes(content) for path, content in files.items()})


def file_bytes(content: object) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if "(base64)" in content:
        return base64.b64decode(content["(base64)"])
    return json.dumps(content, indent=2, ensure_ascii=False).encode()


def arguments(manifest: object) -> list[str]:
    """npm wants a tag named for a prerelease."""
    if not isinstance(manifest, dict) or "publishConfig" in manifest or "-" not in str(manifest.get("version")):
        return []
    return ["--tag", "next"]


def publish(registry: recorder.Recorder, tarball: bytes, more: list[str]) -> dict:
    """The body of npm's request, or why npm made none."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "demo.tgz").write_bytes(tarball)
        address = registry.url.removeprefix("http:")
        (home / ".npmrc").write_text(f"{address}:_authToken=recorded\nupdate-notifier=false\n")
        command = ["node", clients.npm(), "publish", "./demo.tgz", "--registry", registry.url, "--json", *more]
        done = subprocess.run(
            command, cwd=home, env=clients.environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        uploads = registry.take()
        if not uploads:
            return {"refused": reason(done)}
        (upload,) = uploads
        return neutral(json.loads(upload.body), tarball, registry.url)


def reason(done: subprocess.CompletedProcess) -> str:
    error = json.loads(done.stdout or "{}").get("error", {})
    return error.get("code") or error.get("summary") or done.stderr.strip().splitlines()[0]


def neutral(body: dict, tarball: bytes, url: str) -> dict:
    """Without this machine's paths and port, and with the content told by its digest."""
    (document,) = body["versions"].values()
    document["_resolved"] = Path(document["_resolved"]).name
    document["dist"]["tarball"] = document["dist"]["tarball"].replace(url, REGISTRY)
    (attachment,) = body["_attachments"].values()
    sent = base64.b64decode(attachment["data"])
    if sent != tarball:
        raise ValueError(f"npm sent another tarball than it was given: {len(sent)} bytes")
    attachment["data"] = f"sha256:{hashlib.sha256(sent).hexdigest()}"
    return body
