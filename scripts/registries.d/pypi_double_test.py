"""Proves that the double of the Python index enforces each rule of the public one, in its order."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
import unittest
import urllib.error
import urllib.request
import zipfile

from peers import macaroon
from peers.pypi import basic
from support import Control, Serving, multipart, request, wheel_name

NOW_S = 1_800_000_000
DAY_S = 24 * 60 * 60
LONG = "A summary of more than " + 50 * "ten chars "


class PypiDoubleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = Serving("--pypi-double")
        cls.addClassCleanup(cls.serving.close)
        cls.about = cls.serving.ready["pypi-double"]
        cls.control = Control(cls.about["control_url"])
        cls.projects = 0

    def setUp(self):
        type(self).projects += 1
        self.project = f"demo-{self.projects}"
        self.control("reset")
        self.control("clock", now_s=NOW_S)
        self.control("user", name="five", has_verified_email=True, has_two_factor=True)
        self.control("index", is_read_only=False, are_uploads_disabled=False, new_projects_left=20, visible_after_s=0)
        self.control("project", name=self.project, owner="five")
        self.token = self.control("token", user="five", projects=[self.project])

    def form(self, content: bytes, filetype: str = "bdist_wheel", **changes: str | None) -> dict:
        """A form that is accepted, with changes; a field that is None is left out."""
        fields = {
            ":action": "file_upload",
            "protocol_version": "1",
            "filetype": filetype,
            "pyversion": "py3" if filetype == "bdist_wheel" else "source",
            "metadata_version": "2.1",
            "name": self.project,
            "version": "1.0.0",
            "sha256_digest": hashlib.sha256(content).hexdigest(),
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def upload(self, content: bytes | None = None, filename: str | None = None, token: str | None = None, **changes):
        """Uploads a good wheel, with changes; returns the status and the reason given."""
        content = wheel(self.project) if content is None else content
        filename = wheel_name(self.project, "1.0.0") if filename is None else filename
        return self.post(*multipart(self.form(content, **changes), filename, content), token)

    def post(self, boundary: str, body: bytes, token: str | None = None) -> tuple[int, str]:
        headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "authorization": basic("__token__", self.token if token is None else token),
            "accept": "application/json",
        }
        status, answer = request("POST", self.about["url"] + "/legacy/", body, headers)
        if not answer:
            return status, ""
        told = json.loads(answer)
        self.assertEqual(told["code"], f"{status} {told['message']}")
        return status, told["message"]

    def assert_refused(self, answer: tuple[int, str], status: int, reason: str):
        self.assertEqual(answer[0], status, answer[1])
        self.assertIn(reason, answer[1])

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        return request("GET", self.about["url"] + path, headers=headers)

    def simple(self) -> dict:
        return json.loads(self.get(f"/simple/{self.project}/", accept="application/vnd.pypi.simple.v1+json")[1])

    def test_stores_a_wheel_and_an_sdist_and_shows_them_in_three_ways(self):
        content, source = wheel(self.project), sdist(self.project)
        self.assertEqual(self.upload(content), (200, ""))
        name = f"{underscored(self.project)}-1.0.0.tar.gz"
        self.assertEqual(self.upload(source, name, filetype="sdist"), (200, ""))
        shown = self.simple()
        self.assertEqual((shown["project-status"], shown["versions"]), ({"status": "active"}, ["1.0.0"]))
        digests = {file["filename"]: file["hashes"]["sha256"] for file in shown["files"]}
        self.assertEqual(digests[name], hashlib.sha256(source).hexdigest())
        self.assertEqual(shown["files"][0]["upload-time"], "2027-01-15T08:00:00.000Z")
        described = json.loads(self.get(f"/pypi/{self.project}/1.0.0/json")[1])
        self.assertEqual({url["filename"]: url["digests"]["sha256"] for url in described["urls"]}, digests)
        digest = hashlib.blake2b(content, digest_size=32).hexdigest()
        path = f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{wheel_name(self.project, '1.0.0')}"
        self.assertTrue(shown["files"][0]["url"].endswith(path))
        self.assertEqual(self.get(path), (200, content))
        self.assertEqual(self.get(path, range="bytes=3-9"), (206, content[3:10]))
        self.assertEqual(self.get(path.replace(digest[4:8], "0000"))[0], 404)
        self.assertEqual(self.control("files", project=self.project).keys(), digests.keys())

    def test_meets_its_rules_in_order(self):
        """One upload with everything wrong: as each fault is put right, the next rule is the one that refuses."""
        self.control("index", is_read_only=True, are_uploads_disabled=True, new_projects_left=0)
        self.control("user", name="five", has_verified_email=False, has_two_factor=False)
        self.control("user", name="other")
        status = {"status": "archived", "is_organization_in_good_standing": False, "file_limit_bytes": 9}
        self.control("project", name=self.project, owner="five", **status)
        filename, content = "dir/x.exe", b"no archive"
        broken = {
            "filetype": "egg",
            "metadata_version": "9.9",
            "description": "a `broken link`_",
            "sha256_digest": "0" * 64,
        }
        other = self.control("token", user="other")

        def change(**changes):
            self.control("project", name=self.project, owner="five", **changes)

        def index(**changes):
            self.control("index", **changes)

        def account(**changes):
            self.control("user", name="five", **changes)

        steps = [
            (lambda: None, 403, "Read-only mode"),
            (lambda: index(is_read_only=False), 403, "New uploads are temporarily disabled"),
            (lambda: index(are_uploads_disabled=False), 403, "Invalid or non-existent authentication"),
            (lambda: broken.update(token=other), 400, "Invalid value for filetype"),
            (lambda: broken.update(filetype="bdist_wheel"), 400, "Invalid value for metadata_version"),
            (lambda: broken.update(metadata_version="2.1", name="unheard-of"), 429, "Too many new projects created"),
            (lambda: broken.update(name=self.project), 403, "isn't allowed to upload to project"),
            (lambda: broken.update(token=self.token), 403, "isn't allowed to upload to project"),
            (lambda: change(status="active"), 403, "verified primary email"),
            (lambda: account(has_verified_email=True), 403, "two-factor authentication"),
            (lambda: account(has_two_factor=True), 400, "Organization account owning this project is inactive"),
            (lambda: change(is_organization_in_good_standing=True), 400, "The description failed to render"),
            (lambda: broken.update(description=None), 400, "Cannot upload a file with '/'"),
            (lambda: broken.update(filename="x.exe"), 400, "Invalid file extension"),
            (lambda: broken.update(filename="x.whl"), 400, "File too large"),
            (lambda: change(file_limit_bytes=1000, total_limit_bytes=1), 400, "Project size too large"),
            (lambda: change(total_limit_bytes=10_000), 400, "The digest supplied does not match"),
            (lambda: broken.update(sha256_digest=None, md5_digest="0" * 32), 400, "The digest supplied does not match"),
            (lambda: broken.update(md5_digest=hashlib.md5(content).hexdigest()), 400, "File is not a zipfile"),
        ]
        broken["token"] = "pypi-wrong"
        for put_right, expected_status, expected in steps:
            put_right()
            arguments = {"filename": filename, "content": content, **broken}
            self.assert_refused(self.upload(**arguments), expected_status, expected)
        self.assertEqual(self.upload(), (200, ""))

    def test_refuses_forms_that_are_wrong_in_themselves(self):
        for changes, reason in [
            ({"protocol_version": "2"}, "Unknown protocol version."),
            ({"filetype": None}, "Invalid value for filetype. Error: This field is required."),
            ({"pyversion": None}, "Python version is required"),
            ({"filetype": "sdist", "pyversion": "py3"}, "Use 'source'"),
            ({"sha256_digest": None}, "Include at least one message digest."),
            ({"sha256_digest": "x"}, "Invalid value for sha256_digest"),
            ({"attestations": "[]"}, "Attestations are only supported when using Trusted Publishing"),
        ]:
            self.assert_refused(self.upload(**changes), 400, reason)
        self.assert_refused(self.upload(**{":action": "submit"}), 410, "no longer required")
        self.assert_refused(self.upload(**{":action": None}), 404, "Not Found")
        boundary, body = multipart(self.form(wheel(self.project)), "x.whl", b"")
        twice = re.sub(rb'(--\S+\r\n[^\r]*name="name"\r\n\r\n[^\r]*\r\n)', rb"\1\1", body)
        self.assert_refused(self.post(boundary, twice), 400, "Invalid value for name. Error: Use a single value.")
        without_file = body[: body.rindex(b"--" + boundary.encode() + b"\r\n")] + f"--{boundary}--\r\n".encode()
        self.assert_refused(self.post(boundary, without_file), 400, "Upload payload does not have a file.")

    def test_refuses_metadata_that_the_specification_or_the_index_does_not_allow(self):
        for changes, reason in [
            ({"metadata_version": None}, "metadata_version"),
            ({"name": "-x"}, "Invalid value for name"),
            ({"version": "one"}, "Invalid value for version"),
            ({"version": "1.0.0+local"}, "The use of local versions"),
            ({"summary": LONG}, "Field cannot be longer than 512 characters"),
            ({"classifiers": "Private :: Do Not Upload"}, "'Private :: Do Not Upload' is not a valid classifier."),
            ({"classifiers": "Natural Language :: Ukranian"}, "has been deprecated"),
            ({"requires_dist": "x @ https://files.example/x.whl"}, "Can't have direct dependency"),
            ({"requires_python": "three"}, "Invalid value for requires_python"),
            ({"project_urls": "no comma"}, "Invalid value for project_urls"),
            ({"author_email": "nobody"}, "Use a valid email address"),
            ({"license_expression": "MIT"}, "license_expression"),
            ({"description_content_type": "text/html", "description": "x"}, "description_content_type"),
        ]:
            self.assert_refused(self.upload(**changes), 400, reason)

    def test_takes_the_same_file_again_but_not_other_bytes_or_another_name(self):
        content = wheel(self.project)
        self.assertEqual(self.upload(content), (200, ""))
        self.assertEqual(self.upload(content), (200, ""))
        answer = self.upload(wheel(self.project, more="2"))
        self.assert_refused(
            answer, 400, f"File already exists ('{wheel_name(self.project, '1.0.0')}', with blake2_256 hash"
        )
        other_name = wheel_name(self.project, "1.0.0").replace("-py3", "-1-py3")
        self.assert_refused(self.upload(content, other_name), 400, "File already exists")

    def test_never_gives_a_filename_again(self):
        self.upload()
        self.control("delete", filename=wheel_name(self.project, "1.0.0"))
        self.assert_refused(
            self.upload(), 400, "This filename was previously used by a file that has since been deleted."
        )

    def test_closes_releases_after_14_days_and_takes_one_sdist(self):
        stem = underscored(self.project)
        self.upload(sdist(self.project), f"{stem}-1.0.0.tar.gz", filetype="sdist")
        again = self.upload(sdist(self.project, more="2"), f"{stem}-1.0.tar.gz", filetype="sdist")
        self.assert_refused(again, 400, "Only one sdist may be uploaded per release.")
        self.control("release", project=self.project, version="1.0.0", created_at_s=NOW_S - 14 * DAY_S - 1)
        self.assert_refused(self.upload(), 400, "Uploading new files to releases older than 14 days is not allowed.")
        self.control("release", project=self.project, version="1.0.0", created_at_s=NOW_S - 14 * DAY_S)
        self.assertEqual(self.upload()[0], 200)

    def test_looks_into_wheels(self):
        name, good = wheel_name(self.project, "1.0.0"), wheel(self.project)
        for filename, content, reason in [
            (name, good + b"x", "trailing or leading data"),
            (name, wheel(self.project, method=zipfile.ZIP_BZIP2), "File is not compressed with a supported method"),
            (name, wheel(self.project, leave_out="WHEEL"), "does not contain the required WHEEL file"),
            (name, wheel(self.project, leave_out="RECORD"), "does not contain the required RECORD file"),
            (name, wheel(self.project, entry_points="no section"), "invalid entry_points.txt"),
            (name.replace("1.0.0", "2.0.0"), good, "Version in filename should be '1.0.0' not '2.0.0'."),
            (name.replace("demo", "other"), good, "Start filename for"),
            (name.replace("demo", "Demo"), good, "is invalid, should be"),
            (name.replace("any", "linux_x86_64"), good, "has an unsupported platform tag 'linux_x86_64'."),
            ("x.whl", good, "Invalid wheel filename"),
        ]:
            self.assert_refused(self.upload(content, filename), 400, reason)
        self.assert_refused(
            self.upload(license_file="LICENSE", metadata_version="2.4"), 400, "License-File LICENSE does not exist"
        )
        with_licence = wheel(self.project, more_files={"licenses/LICENSE": "free"})
        self.assertEqual(self.upload(with_licence, license_file="LICENSE", metadata_version="2.4"), (200, ""))

    def test_looks_into_sdists(self):
        stem = underscored(self.project)
        good = sdist(self.project)
        for filename, content, reason in [
            (f"{stem}-1.0.0.tar.gz", b"no archive", "File is not a valid tarfile"),
            (f"{stem}-1.0.0.tar.gz", sdist(self.project, leave_out="PKG-INFO"), "PKG-INFO not found"),
            (f"{stem}-1.0.0.tar.gz", sdist(self.project, second_top=True), "exactly one top-level directory"),
            (f"{stem}-1.0.0.zip", good, "is invalid, should be"),
            (f"{self.project}-1.0.0.tar.gz", good, "is invalid, should be"),
            (f"{stem}-1.0.tar.gz", good, "is invalid, should be"),
        ]:
            self.assert_refused(self.upload(content, filename, filetype="sdist"), 400, reason)

    def test_judges_tokens_by_their_caveats_at_its_own_time(self):
        now, other = NOW_S, f"other-{self.projects}"
        self.control("project", name=other, owner="five")
        account = self.control("token", user="five")
        for caveats, reason in [
            ([[0, now, now - 60]], "Invalid API Token: token is expired"),
            ([[0, now + 300, now + 1]], "Invalid API Token: token is expired"),
            ([[1, [other]]], f"Invalid API Token: project-scoped token is not valid for project: '{self.project}'"),
            ([[1, [self.project]], [1, [other]]], "project-scoped token is not valid for project"),
            ([[9, "x"]], "Invalid API Token: caveat has unknown tag"),
        ]:
            self.assert_refused(self.upload(token=macaroon.narrow(account, caveats)), 403, reason)
        new = macaroon.narrow(account, [[1, ["never-heard-of"]]])
        answer = self.upload(token=new, name="never-heard-of")
        self.assert_refused(answer, 403, "Invalid API Token: project-scoped token used outside of a project context")
        changed = account[:-4] + ("AAAA" if account[-4:] != "AAAA" else "BBBB")
        self.assert_refused(self.upload(token=changed), 403, "Invalid API Token: signatures do not match")
        narrowed = macaroon.narrow(account, [[1, [self.project]], [0, now + 300, now - 60]])
        self.assertEqual(self.upload(token=narrowed), (200, ""))
        self.control("index", are_tokens_deleted=True)
        self.assert_refused(self.upload(token=narrowed), 403, "Invalid or non-existent authentication information.")

    def test_lets_an_account_wide_token_make_a_project(self):
        self.project = f"fresh-{self.projects}"
        self.assertEqual(self.upload(token=self.control("token", user="five")), (200, ""))

    def test_shows_quarantine_and_takes_uploads_all_the_same(self):
        self.control("project", name=self.project, owner="five", status="quarantined")
        self.assertEqual(self.upload(), (200, ""))
        shown = self.simple()
        self.assertEqual((shown["project-status"], shown["files"]), ({"status": "quarantined"}, []))

    def test_shows_new_files_only_when_it_is_time(self):
        self.control("index", visible_after_s=60)
        self.upload()
        self.assertEqual(self.simple()["files"], [])
        self.control("clock", now_s=NOW_S + 60)
        self.assertEqual(len(self.simple()["files"]), 1)

    def test_tells_the_reason_to_browsers_in_the_status_line_only(self):
        boundary, body = multipart(self.form(b""), "x.whl", b"")
        headers = {"content-type": f"multipart/form-data; boundary={boundary}", "accept": "*/*"}
        sent = urllib.request.Request(self.about["url"] + "/legacy/", body, headers, method="POST")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(sent, timeout=30)
        self.assertEqual(refused.exception.reason, "Invalid or non-existent authentication information.")
        self.assertIn("text/html", refused.exception.headers["content-type"])
        refused.exception.close()

    def test_wants_the_trailing_slash_and_records_uploads_byte_for_byte(self):
        boundary, body = multipart(self.form(b"x"), "x.whl", b"x\r\n\n\r--" + bytes(range(256)))
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        request("POST", self.about["url"] + "/legacy/", body, headers)
        seen = self.control("requests", methods=["POST"])
        self.assertEqual(base64.b64decode(seen[-1]["body"]), body)
        sent = urllib.request.Request(self.about["url"] + "/legacy", body, headers, method="POST")
        with self.assertRaises(urllib.error.HTTPError) as redirected:
            urllib.request.urlopen(sent, timeout=30)
        self.assertEqual((redirected.exception.code, redirected.exception.headers["location"]), (308, "/legacy/"))
        redirected.exception.close()


def underscored(project: str) -> str:
    return project.replace("-", "_")


def wheel(
    project: str,
    more: str = "1",
    leave_out: str = "",
    entry_points: str | None = None,
    method: int = zipfile.ZIP_DEFLATED,
    more_files: dict[str, str] | None = None,
) -> bytes:
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0.0\n",
        "WHEEL": f"Wheel-Version: 1.0\nTag: py3-none-any\nX-Content: {more}\n",
        "RECORD": "",
        **(more_files or {}),
    }
    if entry_points is not None:
        files["entry_points.txt"] = entry_points
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, text in files.items():
            if name != leave_out:
                archive.writestr(f"{underscored(project)}-1.0.0.dist-info/{name}", text)
    return packed.getvalue()


def sdist(project: str, more: str = "1", leave_out: str = "", second_top: bool = False) -> bytes:
    top = f"{underscored(project)}-1.0.0"
    files = {f"{top}/PKG-INFO": f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0.0\n", f"{top}/x.py": more}
    if second_top:
        files["elsewhere/x.py"] = ""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            if not (leave_out and name.endswith(leave_out)):
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
