"""Fetches the files of one release as pip would, with pip's own session and configuration, and runs none of them.

usage: python3 pip_files.py DIRECTORY NAME VERSION chosen|all

`pip download` would run a source distribution's build back-end to learn its metadata. Prints one JSON object: the
files fetched, each under a number in DIRECTORY, and the names of those left out.
"""

import json
import sys
from pathlib import Path

from pip._internal.commands import create_command
from pip._internal.index.collector import parse_links
from pip._internal.models.link import Link
from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.packaging.utils import parse_sdist_filename, parse_wheel_filename
from pip._vendor.packaging.version import Version


def release_of(filename):
    """Name and version by a file's name; nothing for a name that is no distribution's."""
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[:2]
        return parse_sdist_filename(filename)
    except ValueError:
        return None


def files_of_release(finder, name, version):
    """Every file of the release that the configured indexes list."""
    collector = finder._link_collector
    for location in collector.search_scope.get_index_urls_locations(name):
        page = collector.fetch_response(Link(location))
        for link in parse_links(page) if page else []:
            release = release_of(link.filename)
            if release and release[0] == name and release[1] == version:
                yield link


def fetch(session, link, path):
    with session.get(link.url_without_fragment, stream=True, headers={"Accept-Encoding": "identity"}) as answer:
        answer.raise_for_status()
        with path.open("wb") as out:
            for part in answer.iter_content(1 << 16):
                out.write(part)


def main():
    directory, name, version, which = Path(sys.argv[1]), sys.argv[2], Version(sys.argv[3]), sys.argv[4]
    command = create_command("download")
    with command.main_context():
        options, _ = command.parse_args(["--no-deps"])
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        best = finder.find_best_candidate(name, SpecifierSet(f"=={version}")).best_candidate
        # `==1.0` allows 1.0+local too, which pip prefers: then nothing that is verified here is what it installs.
        if best and best.version != version:
            sys.exit(f"for =={version} pip would install {best.version}")
        wanted = [best.link] if best else []
        known = {link.url_without_fragment for link in wanted}
        others = [link for link in files_of_release(finder, name, version) if link.url_without_fragment not in known]
        if which == "all" or not wanted:
            wanted, others = wanted + others, []
        files = []
        for number, link in enumerate(wanted):
            path = directory / str(number)
            fetch(session, link, path)
            files.append({"filename": link.filename, "path": str(path)})
    print(json.dumps({"files": files, "left_out": [link.filename for link in others]}))


main()
