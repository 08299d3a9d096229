"""What everybody may read: the simple API, the version documents, the files."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..wire import Answer, Request, moment, ranged
from .store import File, Project, Store

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"


def read(request: Request, store: Store, base_url: str, now_s: float) -> Answer:
    """Answers a GET."""
    path = request.path
    if found := re.fullmatch(r"/simple/([^/]+)/?", path):
        return simple(request, store, found[1], base_url, now_s)
    if found := re.fullmatch(r"/pypi/([^/]+)/([^/]+)/json", path):
        return version_document(store, found[1], found[2], base_url, now_s)
    if found := re.fullmatch(r"/packages/(../../[^/]+)/([^/]+)", path):
        return file(request, store, found[1], found[2])
    return Answer(404, b"404 Not Found", {"content-type": "text/plain"})


def simple(request: Request, store: Store, name: str, base_url: str, now_s: float) -> Answer:
    """One project's files, as JSON or as the page that installers of old read."""
    project = store.project(name)
    if project is None:
        return Answer(404, b"404 Not Found", {"content-type": "text/plain"})
    if request.path != f"/simple/{canonicalize_name(name)}/":
        return Answer(301, headers={"location": f"/simple/{canonicalize_name(name)}/"})
    # A quarantined project shows that it is, and no files.
    files = [] if project.status == "quarantined" else visible(store, project.files, now_s)
    if SIMPLE_JSON not in request.header("accept"):
        links = "".join(
            f'<a href="{base_url}/packages/{file.path}#sha256={file.sha256}">{file.filename}</a><br>' for file in files
        )
        return Answer(200, f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), {"content-type": "text/html"})
    document = {
        "meta": {"api-version": "1.4"},
        "name": canonicalize_name(project.name),
        "project-status": {"status": project.status},
        "versions": [str(version) for version in project.releases],
        "files": [
            {
                "filename": file.filename,
                "url": f"{base_url}/packages/{file.path}",
                "hashes": {"sha256": file.sha256},
                "size": len(file.content),
                "upload-time": moment(file.uploaded_at_s),
                "yanked": file.yanked,
                "core-metadata": False,
                "provenance": None,
            }
            for file in files
        ],
    }
    answer = Answer.json(200, document)
    answer.headers |= {"content-type": SIMPLE_JSON, "cache-control": "max-age=600, public"}
    return answer


def version_document(store: Store, name: str, version: str, base_url: str, now_s: float) -> Answer:
    project = store.project(name)
    try:
        release = project and project.releases.get(Version(version))
    except InvalidVersion:
        release = None
    if release is None:
        return Answer.json(404, {"message": "Not Found"})
    return Answer.json(
        200,
        {
            "info": about(project, version, release.form),
            "urls": [
                {
                    "filename": file.filename,
                    "packagetype": file.filetype,
                    "digests": {"sha256": file.sha256, "blake2b_256": file.blake2b_256, "md5": file.md5},
                    "size": len(file.content),
                    "upload_time_iso_8601": moment(file.uploaded_at_s),
                    "url": f"{base_url}/packages/{file.path}",
                    "yanked": file.yanked,
                }
                for file in visible(store, release.files, now_s)
            ],
            "ownership": {"roles": [{"role": "Owner", "user": project.owner}], "organization": None},
        },
    )


def about(project: Project, version: str, form: dict[str, list[str]]) -> dict:
    """What the first upload's form said."""
    first = {name: form.get(name, [""])[0] for name in ("summary", "description", "requires_python", "license")}
    return {
        "name": project.name,
        "version": version,
        "classifiers": form.get("classifiers", []),
        "requires_dist": form.get("requires_dist", []),
        **first,
    }


def file(request: Request, store: Store, digest: str, filename: str) -> Answer:
    """A file's bytes, whole or the range that is asked for."""
    found = store.file(filename)
    if found is None or found.path != f"{digest}/{filename}":
        return Answer(404, b"404 Not Found", {"content-type": "text/plain"})
    return ranged(request, found.content, are_ranges_served=True)


def visible(store: Store, files: list[File], now_s: float) -> list[File]:
    return [file for file in files if now_s >= file.uploaded_at_s + store.visible_after_s]
