"""The upload API: every rule, in the order in which the public index applies them."""

from __future__ import annotations

from packaging.metadata import Metadata

from ..wire import Answer, Request
from . import archives, form, metadata, tokens
from .errors import refuse
from .form import UploadForm
from .store import MIB, File, Project, Release, Store, User
from .tokens import Presented, Tokens

EXTENSIONS = (".tar.gz", ".whl", ".zip")
RELEASE_OPEN_FOR_S = 14 * 24 * 60 * 60


def upload(request: Request, store: Store, issued: Tokens, now_s: float) -> Answer:
    """Stores the file in a form; raises `Refused` by the first rule that is not met."""
    posted = form.parse(request)
    check_action(request, posted)
    presented = admit(request, store, issued)
    form.check(request, posted)
    described = metadata.check(request, posted)
    if posted.filename is None:
        raise refuse(request, 400, "Upload payload does not have a file.")
    project = find_project(request, store, presented, described, now_s)
    check_account(request, store.users[presented.issued.user], project)
    metadata.check_description(request, described)
    check_file(request, posted, project)
    file = File(posted.filename, posted.value("filetype"), posted.content, now_s)
    check_digests(request, posted, file)
    if is_identical(request, store, file):
        return Answer(200)
    check_reuse(request, store, project, file, described, now_s)
    try:
        archives.check(file.filename, file.filetype, file.content, described)
    except archives.Invalid as invalid:
        raise refuse(request, 400, str(invalid)) from None
    release = project.releases.setdefault(described.version, Release(now_s, posted.fields))
    release.files.append(file)
    return Answer(200)


def check_action(request: Request, posted: UploadForm) -> None:
    """The field by which requests find their way; what old tools could do beside uploading is gone."""
    action = posted.value(":action")
    if action in ("submit", "submit_pkg_info", "doc_upload"):
        raise refuse(request, 410, "This is no longer required or supported; continue directly to uploading files.")
    if action != "file_upload":
        raise refuse(request, 404, "Not Found")


def admit(request: Request, store: Store, issued: Tokens) -> Presented:
    """Before anything is looked at: the index takes uploads, and the token is one of its own."""
    if store.is_read_only:
        raise refuse(request, 403, "Read-only mode: Uploads are temporarily disabled.")
    if store.are_uploads_disabled:
        raise refuse(request, 403, "New uploads are temporarily disabled.")
    presented = issued.identify(request.header("authorization"))
    if presented is None or store.are_tokens_deleted:
        raise refuse(request, 403, "Invalid or non-existent authentication information.")
    return presented


def find_project(request: Request, store: Store, presented: Presented, described: Metadata, now_s: float) -> Project:
    """Rules 4 and 5: the project, made where there is none, by somebody who may upload to it."""
    project = store.project(described.name)
    user = presented.issued.user
    if project is None and store.new_projects_left <= 0:
        raise refuse(request, 429, "Too many new projects created")
    reason = tokens.judge(presented, project, now_s)
    if reason is not None:
        raise refuse(request, 403, f"Invalid API Token: {reason}")
    if project is None:
        store.new_projects_left -= 1
        project = store.add_project(described.name, user)
    # An archived project takes nothing from anybody.
    if project.owner != user or project.status == "archived":
        raise refuse(request, 403, f"The user {user!r} isn't allowed to upload to project {project.name!r}.")
    return project


def check_account(request: Request, user: User, project: Project) -> None:
    """Rules 6 and 7."""
    if not user.has_verified_email:
        raise refuse(
            request,
            403,
            f"User {user.name!r} does not have a verified primary email address. "
            "Please add a verified primary email before attempting to upload.",
        )
    if not user.has_two_factor:
        raise refuse(
            request,
            403,
            f"User {user.name!r} does not have two-factor authentication enabled. "
            "Please enable two-factor authentication before attempting to upload.",
        )
    if not project.is_organization_in_good_standing:
        raise refuse(request, 400, "Organization account owning this project is inactive.")


def check_file(request: Request, posted: UploadForm, project: Project) -> None:
    """Rules 9 and 10."""
    filename = posted.filename
    if "/" in filename or "\\" in filename:
        raise refuse(request, 400, "Cannot upload a file with '/' or '\\' in the name.")
    if any(not character.isprintable() for character in filename):
        raise refuse(request, 400, "Cannot upload a file with non-printable characters in the name.")
    if not filename.endswith(EXTENSIONS):
        raise refuse(request, 400, f"Invalid file extension: Use {', '.join(EXTENSIONS)} extension.")
    if not posted.content_type or posted.content_type.startswith("image/"):
        raise refuse(request, 400, "Invalid distribution file.")
    if len(posted.content) > project.file_limit_bytes:
        limit = project.file_limit_bytes // MIB
        raise refuse(request, 400, f"File too large. Limit for project {project.name!r} is {limit} MB.")
    total_bytes = sum(len(file.content) for file in project.files) + len(posted.content)
    if total_bytes > project.total_limit_bytes:
        limit = project.total_limit_bytes // MIB // 1024
        raise refuse(
            request, 400, f"Project size too large. Limit for project {project.name!r} total size is {limit} GB."
        )


def check_digests(request: Request, posted: UploadForm, file: File) -> None:
    """Rule 11: every digest that is given must be that of the bytes."""
    computed = {"sha256": file.sha256, "blake2_256": file.blake2b_256, "md5": file.md5}
    for name, digest in computed.items():
        given = posted.value(f"{name}_digest")
        if given and given.lower() != digest:
            raise refuse(
                request,
                400,
                "The digest supplied does not match a digest calculated from the uploaded file.",
            )


def is_identical(request: Request, store: Store, file: File) -> bool:
    """Rule 12: the same file again is no error; another one under its name, or the same under another, is."""
    known = store.file(file.filename) or store.file_with_content(file.blake2b_256)
    if known is None:
        return False
    if (known.filename, known.sha256, known.blake2b_256) == (file.filename, file.sha256, file.blake2b_256):
        return True
    raise refuse(
        request,
        400,
        f"File already exists ({file.filename!r}, with blake2_256 hash {file.blake2b_256!r}).",
    )


def check_reuse(
    request: Request, store: Store, project: Project, file: File, described: Metadata, now_s: float
) -> None:
    """Rules 13 to 15."""
    if file.filename in store.deleted_filenames:
        raise refuse(
            request,
            400,
            "This filename was previously used by a file that has since been deleted. Use a different version.",
        )
    release = project.releases.get(described.version)
    if release is None:
        return
    if now_s - release.created_at_s > RELEASE_OPEN_FOR_S:
        raise refuse(request, 400, "Uploading new files to releases older than 14 days is not allowed.")
    if file.filetype == "sdist" and any(known.filetype == "sdist" for known in release.files):
        raise refuse(request, 400, "Only one sdist may be uploaded per release.")
