"""Rule 1: the form itself, apart from the metadata in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import webob
from webob.compat import cgi_FieldStorage

from ..wire import Request
from .errors import refuse

FILETYPES = ("bdist_wheel", "sdist")
DIGEST = re.compile(r"[0-9a-f]{64}|[0-9A-F]{64}")
MD5 = re.compile(r"[0-9a-f]{32}|[0-9A-F]{32}")
# Metadata fields that may come several times; any other one only once.
REPEATED = {
    "classifiers", "dynamic", "import_name", "import_namespace", "license_file", "obsoletes", "obsoletes_dist",
    "platform", "project_urls", "provides", "provides_dist", "provides_extra", "requires", "requires_dist",
    "requires_external", "supported_platform",
}  # fmt: skip


@dataclass
class UploadForm:
    """A form with a file."""

    fields: dict[str, list[str]]
    # None where the form has no file.
    filename: str | None
    content_type: str
    content: bytes

    def value(self, name: str) -> str:
        """A field's value; empty when it is not given."""
        return self.fields.get(name, [""])[0]


def parse(request: Request) -> UploadForm:
    """The form in a request, not judged yet."""
    posted = webob.Request.blank(
        "/", method="POST", body=request.body, content_type=request.header("content-type")
    ).POST
    file = posted.getall("content")[-1] if "content" in posted else None
    fields: dict[str, list[str]] = {}
    for name, value in posted.items():
        if name == "content":
            continue
        if isinstance(value, cgi_FieldStorage):
            raise refuse(request, 400, f"{name}: Should not be a tuple.")
        # Old tools write this where they know nothing.
        if value not in ("", "UNKNOWN"):
            fields.setdefault(name, []).append(value)
    if isinstance(file, cgi_FieldStorage):
        return UploadForm(fields, file.filename, file.type or "", file.file.read())
    return UploadForm(fields, None, "", b"")


def check(request: Request, form: UploadForm) -> None:
    """Raises `Refused` by the first rule that the form does not meet."""

    def invalid(field: str, why: str):
        return refuse(request, 400, f"Invalid value for {field}. Error: {why}")

    if form.value("protocol_version") not in ("", "1"):
        raise refuse(request, 400, "Unknown protocol version.")
    for name, values in sorted(form.fields.items()):
        if len(values) > 1 and name not in REPEATED:
            raise invalid(name, "Use a single value.")
    filetype = form.value("filetype")
    if not filetype:
        raise invalid("filetype", "This field is required.")
    if filetype not in FILETYPES:
        raise invalid("filetype", "Use a known file type.")
    if filetype == "sdist" and form.value("pyversion") not in ("", "source"):
        raise refuse(request, 400, "Error: Use 'source' as Python version for an sdist.")
    if filetype == "bdist_wheel" and not form.value("pyversion"):
        raise refuse(request, 400, "Error: Python version is required for binary distribution uploads.")
    digests = {name: form.value(f"{name}_digest") for name in ("sha256", "blake2_256", "md5")}
    for name, digest in digests.items():
        if digest and not (MD5 if name == "md5" else DIGEST).fullmatch(digest):
            raise invalid(f"{name}_digest", "Use a valid, hex-encoded, message digest.")
    if not any(digests.values()):
        raise refuse(request, 400, "Error: Include at least one message digest.")
    if "attestations" in form.fields:
        raise refuse(request, 400, "Attestations are only supported when using Trusted Publishing")
