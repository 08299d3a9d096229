"""Changes to what is published: tags, and the package's whole document (deprecation)."""

from __future__ import annotations

import json

from ..wire import Answer, Request
from .access import authorize_write, error
from .reads import find
from .store import Package, Store


def tags(store: Store, name: str) -> Answer:
    """`GET /-/package/{name}/dist-tags`."""
    return Answer.json(200, find(store, name).tags)


def set_tag(request: Request, store: Store, name: str, tag: str) -> Answer:
    """`PUT /-/package/{name}/dist-tags/{tag}`; also for a version that is still being scanned."""
    authorize_write(request, store, name)
    package = find(store, name)
    try:
        version = json.loads(request.body)
    except ValueError:
        version = None
    if not isinstance(version, str) or version not in package.versions:
        raise error(400, "the body is the text of a version that there is")
    package.tags[tag] = version
    package.revision += 1
    return Answer.json(200, {"ok": True, "id": name, "rev": package.rev, "dist-tags": package.tags})


def remove_tag(request: Request, store: Store, name: str, tag: str) -> Answer:
    """`DELETE /-/package/{name}/dist-tags/{tag}`."""
    authorize_write(request, store, name)
    package = find(store, name)
    if tag == "latest":
        raise error(400, "latest cannot be removed")
    if package.tags.pop(tag, None) is None:
        raise error(404, "Not found")
    package.revision += 1
    return Answer.json(200, {"ok": True})


def replace_document(request: Request, store: Store, package: Package, now_s: float) -> Answer:
    """`PUT /{name}` without a tarball: only texts that deprecate may differ."""
    authorize_write(request, store, package.name)
    try:
        body = json.loads(request.body)
        versions = body["versions"]
        rev = body["_rev"]
    except (ValueError, KeyError, TypeError):
        raise error(400, "Invalid package document") from None
    if rev != package.rev:
        raise error(409, "Document update conflict: the _rev is not the present one")
    visible = store.visible_versions(package, now_s)
    if set(versions) != set(visible):
        raise error(403, "versions cannot be added or removed so")
    for number, version in visible.items():
        if "deprecated" in versions[number]:
            version.document["deprecated"] = versions[number]["deprecated"]
        # An empty text takes the deprecation back.
        if version.document.get("deprecated") == "":
            del version.document["deprecated"]
    package.revision += 1
    return Answer.json(200, {"ok": True, "id": package.name, "rev": package.rev})
