"""Publishing and staging: what a publish document must be, and which versions are taken."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from ..wire import Answer, Request
from .access import authorize_publish, authorize_write, error
from .store import Package, Stage, Store, Version

# Larger requests are turned away before they are read.
MAX_BODY_BYTES = 50 * 1024 * 1024


@dataclass
class Document:
    """A publish document that is right in itself."""

    version: str
    content: Version
    access: str | None


def publish(request: Request, store: Store, name: str, now_s: float) -> Answer:
    """`PUT /{name}`."""
    authorize_publish(request, store, name)
    document = read_document(request, name, now_s)
    package = store.packages.get(name)
    if package is None:
        check_new_name(store, name, document)
        package = store.packages[name] = Package(name)
    if name in store.names_refused_by_scanner:
        raise error(403, "Forbidden")
    check_version_is_free(store, package, document.version, now_s)
    add(package, document.version, document.content)
    return Answer.json(200, {"success": True})


def stage(request: Request, store: Store, name: str, now_s: float) -> Answer:
    """`POST /-/stage/package/{name}`."""
    token = authorize_write(request, store, name)
    if name not in store.packages:
        raise error(404, "Not found")
    document = read_document(request, name, now_s)
    is_staged = any((other.package, other.version) == (name, document.version) for other in store.waiting_stages(now_s))
    if is_staged or document.version in store.packages[name].versions:
        raise error(409, f'Cannot stage previously published version "{document.version}"')
    staged = Stage(name, document.version, document.content, token.user, document.access or "public")
    store.stages[staged.id] = staged
    return Answer.json(201, {"message": "Package version staged successfully.", "stageId": staged.id})


def read_document(request: Request, name: str, now_s: float) -> Document:
    """The document in a request; raises `Refused` by the first rule that it does not meet."""
    if len(request.body) > MAX_BODY_BYTES:
        raise error(413, "Payload Too Large")
    try:
        body = json.loads(request.body)
        if body["name"] != name or body["_id"] != name:
            raise error(400, "name in the document does not match the name in the URL")
        # "The first key in this object is the newest version": there must be no other.
        [(version, manifest)] = body["versions"].items()
        [(tag, tagged)] = body["dist-tags"].items()
        attachments = [
            attachment
            for attachment in body["_attachments"].values()
            if attachment["content_type"] == "application/octet-stream"
        ]
        tarball = base64.b64decode(attachments[0]["data"], validate=True)
        if tagged != version or (manifest["name"], manifest["version"]) != (name, version) or not tarball:
            raise error(400, "version, tag and attachment do not belong together")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, binascii.Error):
        raise error(400, "Invalid package document") from None
    if "dist" not in manifest:
        raise error(400, "missing dist")
    check_provenance(manifest, body["_attachments"])
    return Document(version, Version(manifest, tarball, tag, now_s), body.get("access"))


def check_provenance(manifest: dict, attachments: dict) -> None:
    """A statement of origin must be of the repository that the manifest names."""
    bundles = [attachment for key, attachment in attachments.items() if key.endswith(".sigstore")]
    repository = manifest.get("repository")
    url = repository.get("url") if isinstance(repository, dict) else None
    if bundles and not url:
        raise error(
            422, 'Failed to validate repository information: package.json: "repository.url" is "", expected one'
        )


def check_new_name(store: Store, name: str, document: Document) -> None:
    if name in store.names_too_similar:
        raise error(403, f"Package name too similar to existing package {name.removesuffix('s')}")
    if name.startswith("@") and document.access != "public":
        raise error(402, "You must sign up for private packages")


def check_version_is_free(store: Store, package: Package, version: str, now_s: float) -> None:
    known = package.versions.get(version)
    if known is not None and store.is_visible(known, now_s):
        raise error(403, f"You cannot publish over the previously published versions: {version}.")
    if known is not None and known.is_unpublished:
        raise error(400, f'Cannot publish over previously published version "{version}".')
    staged = any((stage.package, stage.version) == (package.name, version) for stage in store.waiting_stages(now_s))
    if known is not None or staged:
        raise error(409, f'Cannot publish over previously staged version "{version}".')


def add(package: Package, version: str, content: Version) -> None:
    package.versions[version] = content
    package.tags[content.tag] = version
    # The first version is the latest one, whatever it is tagged.
    package.tags.setdefault("latest", version)
    package.revision += 1
