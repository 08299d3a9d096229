"""What everybody may read: documents of versions and packages, tags, tarballs."""

from __future__ import annotations

import copy

from ..wire import Answer, Request, moment, ranged
from .access import error
from .store import Package, Store, Version

ABBREVIATED = "application/vnd.npm.install-v1+json"
# What a client that only installs needs to know of a version.
ABBREVIATED_FIELDS = (
    "name", "version", "deprecated", "dependencies", "optionalDependencies", "devDependencies", "bundleDependencies",
    "peerDependencies", "peerDependenciesMeta", "bin", "directories", "dist", "engines", "cpu", "os",
    "hasInstallScript",
)  # fmt: skip


def find(store: Store, name: str) -> Package:
    package = store.packages.get(name)
    if package is None:
        raise error(404, "Not found")
    return package


def version_document(store: Store, name: str, version: str, base_url: str, now_s: float) -> Answer:
    """`GET /{name}/{version or tag}`."""
    package = find(store, name)
    number = package.tags.get(version, version)
    shown = store.visible_versions(package, now_s).get(number)
    if shown is None:
        raise error(404, f"version not found: {version}")
    return Answer.json(200, document(package, number, shown, base_url))


def packument(request: Request, store: Store, name: str, base_url: str, now_s: float) -> Answer:
    """`GET /{name}`, whole or abbreviated."""
    package = find(store, name)
    visible = store.visible_versions(package, now_s)
    if not visible:
        raise error(404, "Not found")
    documents = {number: document(package, number, version, base_url) for number, version in visible.items()}
    whole = {
        "_id": name,
        "_rev": package.rev,
        "name": name,
        "dist-tags": {tag: number for tag, number in package.tags.items() if number in visible},
        "versions": documents,
        "time": {number: moment(version.accepted_at_s) for number, version in visible.items()},
        "maintainers": [{"name": "release-bot", "email": "release-bot@maintainers.example"}],
    }
    if ABBREVIATED not in request.header("accept"):
        return Answer.json(200, whole)
    short = {
        number: {field: entry[field] for field in ABBREVIATED_FIELDS if field in entry}
        for number, entry in documents.items()
    }
    answer = Answer.json(
        200,
        {
            "name": name,
            "dist-tags": whole["dist-tags"],
            "versions": short,
            "modified": max(whole["time"].values()),
        },
    )
    answer.headers["content-type"] = ABBREVIATED
    return answer


def document(package: Package, number: str, version: Version, base_url: str) -> dict:
    """A version's manifest as it was published, with what the registry adds."""
    shown = copy.deepcopy(version.document)
    # Where the tarball lies is the registry's business, whatever the manifest says.
    shown["dist"]["tarball"] = f"{base_url}/{package.name}/-/{tarball_name(package.name, number)}"
    return shown


def tarball(request: Request, store: Store, name: str, filename: str, now_s: float) -> Answer:
    """`GET /{name}/-/{basename}-{version}.tgz`."""
    package = find(store, name)
    for number, version in store.visible_versions(package, now_s).items():
        if filename == tarball_name(name, number):
            return ranged(request, version.tarball, store.are_ranges_served)
    raise error(404, "Not found")


def tarball_name(name: str, number: str) -> str:
    return f"{name.rsplit('/', 1)[-1]}-{number}.tgz"
