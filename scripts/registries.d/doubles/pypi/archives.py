"""Rules 16 to 18: what a distribution file must be inside, and be called."""

from __future__ import annotations

import configparser
import io
import re
import tarfile
import zipfile

from packaging.metadata import Metadata
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

# Files of a wheel that must be there, below `{name}-{version}.dist-info/`.
REQUIRED_IN_WHEEL = ("WHEEL", "METADATA", "RECORD")
# The end-of-directory record without a comment: the last bytes of every file that is nothing but a ZIP.
ZIP_END, ZIP_END_BYTES = b"PK\x05\x06", 22
RATIO_CHECKED_FROM_BYTES, LARGEST_RATIO = 64 * 1024 * 1024, 50
PLATFORM = re.compile(
    r"any|win32|win_(amd64|arm64|ia64)"
    r"|(manylinux(1|2010|2014|_\d+_\d+)|musllinux_\d+_\d+)_(x86_64|i686|aarch64|armv7l|ppc64|ppc64le|s390x|riscv64)"
    r"|macosx_\d+_\d+_(x86_64|arm64|intel|fat|fat3|fat64|universal|universal2|i386|ppc|ppc64)"
    r"|linux_armv[67]l|ios_\d+_\d+_\w+|android_\d+_\w+|pyodide_\d+_\d+_wasm32"
)


class Invalid(Exception):
    """The file is refused; the text is the reason."""


def check(filename: str, filetype: str, content: bytes, metadata: Metadata) -> None:
    """Raises `Invalid` by the first rule that is not met."""
    if filetype == "sdist":
        members = check_sdist(content)
        check_sdist_name(filename, metadata)
        check_license_files(members, filename.removesuffix(".tar.gz"), metadata)
    else:
        archive = check_wheel(content)
        check_wheel_name(filename, metadata)
        check_wheel_content(filename, archive, metadata)


def check_sdist(content: bytes) -> set[str]:
    """The archive's members, after rule 16."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        raise Invalid("Invalid distribution file. File is both a tar and a zip file.")
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            members = archive.getmembers()
    except (tarfile.TarError, OSError, EOFError):
        raise Invalid("Invalid distribution file. File is not a valid tarfile.") from None
    if any(member.issparse() for member in members):
        raise Invalid("Invalid distribution file. Sparse members are not allowed.")
    tops = {member.name.split("/")[0] for member in members}
    names = {member.name for member in members}
    if len(tops) != 1:
        raise Invalid("Invalid distribution file. Must have exactly one top-level directory.")
    if f"{next(iter(tops))}/PKG-INFO" not in names:
        raise Invalid("Invalid distribution file. PKG-INFO not found at the top level.")
    return names


def check_wheel(content: bytes) -> zipfile.ZipFile:
    """The archive, after rule 16."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        raise Invalid("Invalid distribution file. File is not a zipfile.") from None
    infos = archive.infolist()
    if content[-ZIP_END_BYTES:][: len(ZIP_END)] != ZIP_END or not content.startswith(b"PK\x03\x04"):
        raise Invalid("Invalid distribution file. ZIP archive not accepted: trailing or leading data.")
    if content.count(ZIP_END) > 1:
        raise Invalid("Invalid distribution file. ZIP archive not accepted: several ends of the directory.")
    if len({info.filename for info in infos}) != len(infos):
        raise Invalid("Invalid distribution file. ZIP archive not accepted: duplicate filename.")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise Invalid("Invalid distribution file. File is not compressed with a supported method.")
    size = sum(info.file_size for info in infos)
    if size > RATIO_CHECKED_FROM_BYTES and size > LARGEST_RATIO * len(content):
        raise Invalid("Invalid distribution file. File exceeds the compression ratio.")
    return archive


def check_sdist_name(filename: str, metadata: Metadata) -> None:
    try:
        name, version = parse_sdist_filename(filename)
    except InvalidSdistFilename as error:
        raise Invalid(f"Invalid source distribution filename: {error}") from None
    expected = f"{normalized(metadata.name)}-{metadata.version}.tar.gz"
    if (name, version) != (canonicalize_name(metadata.name), metadata.version) or filename != expected:
        raise Invalid(f"Filename {filename!r} is invalid, should be {expected!r}.")


def check_wheel_name(filename: str, metadata: Metadata) -> None:
    try:
        name, version, _build, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise Invalid(f"Invalid wheel filename: {error}") from None
    if name != canonicalize_name(metadata.name):
        raise Invalid(f"Start filename for {metadata.name!r} with {normalized(metadata.name)!r}.")
    if version != metadata.version:
        raise Invalid(f"Version in filename should be {str(metadata.version)!r} not {str(version)!r}.")
    if filename.split("-")[0] != normalized(metadata.name):
        expected = "-".join([normalized(metadata.name), *filename.split("-")[1:]])
        raise Invalid(f"Filename {filename!r} is invalid, should be {expected!r}.")
    for tag in tags:
        if not PLATFORM.fullmatch(tag.platform):
            raise Invalid(f"Binary wheel {filename!r} has an unsupported platform tag {tag.platform!r}.")


def check_wheel_content(filename: str, archive: zipfile.ZipFile, metadata: Metadata) -> None:
    info = "-".join(filename.split("-")[:2]) + ".dist-info"
    names = set(archive.namelist())
    for required in REQUIRED_IN_WHEEL:
        if f"{info}/{required}" not in names:
            raise Invalid(f"Wheel {filename!r} does not contain the required {required} file: {info}/{required}")
    if f"{info}/entry_points.txt" in names:
        try:
            configparser.ConfigParser(delimiters=("=",)).read_string(archive.read(f"{info}/entry_points.txt").decode())
        except (configparser.Error, UnicodeDecodeError):
            raise Invalid(f"Wheel {filename!r} contains an invalid entry_points.txt file.") from None
    check_license_files(names, f"{info}/licenses", metadata)


def check_license_files(names: set[str], directory: str, metadata: Metadata) -> None:
    for path in metadata.license_files or []:
        if f"{directory}/{path}" not in names:
            raise Invalid(f"License-File {path} does not exist in distribution file at {directory}/{path}")


def normalized(name: str) -> str:
    return canonicalize_name(name).replace("-", "_")
