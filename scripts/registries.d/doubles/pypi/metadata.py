"""Rules 2 and 8: the metadata in the form, judged by `packaging.metadata`, `trove_classifiers`, `readme_renderer`."""

from __future__ import annotations

import re

import readme_renderer.markdown
import readme_renderer.rst
import readme_renderer.txt
import trove_classifiers
from packaging.metadata import InvalidMetadata, Metadata
from packaging.requirements import InvalidRequirement, Requirement

from ..wire import Request
from .errors import refuse
from .form import UploadForm

try:
    ExceptionGroup  # noqa: B018
except NameError:
    from packaging.metadata import ExceptionGroup

# The form's names, and those of the metadata fields that hold what it says.
SINGLE = {
    name: name
    for name in [
        "metadata_version", "name", "version", "summary", "description", "description_content_type", "home_page",
        "download_url", "author", "author_email", "maintainer", "maintainer_email", "license", "license_expression",
        "requires_python",
    ]
}  # fmt: skip
REPEATED = {
    "platform": "platforms",
    "supported_platform": "supported_platforms",
    "license_file": "license_files",
    "import_name": "import_names",
    "import_namespace": "import_namespaces",
    **{
        name: name
        for name in [
            "classifiers", "dynamic", "obsoletes_dist", "provides_dist", "provides_extra", "requires_dist",
            "requires_external",
        ]
    },
}  # fmt: skip
SUMMARY_CHARACTERS = 512
LABEL_CHARACTERS = 32
RENDERERS = {
    "": readme_renderer.rst,
    "text/x-rst": readme_renderer.rst,
    "text/plain": readme_renderer.txt,
    "text/markdown": readme_renderer.markdown,
}


def check(request: Request, form: UploadForm) -> Metadata:
    """The form's metadata; raises `Refused` when it is invalid."""
    raw = {field: form.value(name) for name, field in SINGLE.items() if name in form.fields}
    raw.update({field: form.fields[name] for name, field in REPEATED.items() if name in form.fields})
    if "keywords" in form.fields:
        raw["keywords"] = [keyword.strip() for keyword in form.value("keywords").split(",")]
    if "project_urls" in form.fields:
        raw["project_urls"] = project_urls(request, form.fields["project_urls"])
    try:
        metadata = Metadata.from_raw(raw)
    except ExceptionGroup as group:
        first = group.exceptions[0]
        field = first.field if isinstance(first, InvalidMetadata) else "metadata"
        raise invalid(request, field.replace("-", "_"), str(first)) from None
    except InvalidMetadata as error:
        raise invalid(request, error.field.replace("-", "_"), str(error)) from None
    check_further(request, metadata)
    return metadata


def project_urls(request: Request, entries: list[str]) -> dict[str, str]:
    urls = {}
    for entry in entries:
        label, _, url = (part.strip() for part in entry.partition(","))
        if not 1 <= len(label) <= LABEL_CHARACTERS:
            raise invalid(request, "project_urls", f"Use 1 to {LABEL_CHARACTERS} characters in the label.")
        if not re.match(r"https?://", url):
            raise invalid(request, "project_urls", f"{entry!r} is not a valid url.")
        urls[label] = url
    return urls


def check_further(request: Request, metadata: Metadata) -> None:
    """What this index asks for beyond the specification."""
    if metadata.version.local is not None:
        raise invalid(request, "version", f"The use of local versions in {str(metadata.version)!r} is not allowed.")
    if len(metadata.summary or "") > SUMMARY_CHARACTERS:
        raise invalid(request, "summary", f"Field cannot be longer than {SUMMARY_CHARACTERS} characters.")
    for classifier in metadata.classifiers or []:
        if classifier in trove_classifiers.deprecated_classifiers:
            raise invalid(request, "classifiers", f"{classifier!r} has been deprecated.")
        if classifier not in trove_classifiers.classifiers:
            raise invalid(request, "classifiers", f"{classifier!r} is not a valid classifier.")
    for field in ("author_email", "maintainer_email"):
        address = getattr(metadata, field)
        if address and not re.search(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", address):
            raise invalid(request, field, "Use a valid email address.")
    for requirement in metadata.requires_dist or []:
        if requirement.url:
            raise invalid(request, "requires_dist", f"Can't have direct dependency: {str(requirement)!r}.")
    for field in ("provides_dist", "obsoletes_dist"):
        for text in getattr(metadata, field) or []:
            if has_url(text):
                raise invalid(request, field, f"Can't have direct dependency: {text!r}.")


def has_url(text: str) -> bool:
    try:
        return Requirement(text).url is not None
    except InvalidRequirement:
        return False


def check_description(request: Request, metadata: Metadata) -> None:
    """Refuses a description that cannot be shown."""
    if not metadata.description:
        return
    content_type = (metadata.description_content_type or "").split(";")[0].strip()
    if RENDERERS[content_type].render(metadata.description) is None:
        where = f"for '{content_type}'" if content_type else "in the default format of reStructuredText"
        raise refuse(request, 400, f"The description failed to render {where}.")


def invalid(request: Request, field: str, why: str):
    return refuse(request, 400, f"Invalid value for {field}. Error: {why}")
