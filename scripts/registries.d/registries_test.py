"""Proves that the registries accept and refuse what they should, with plain HTTP requests."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import time
import unittest
import uuid
from pathlib import Path

from peers import macaroon, npm, pypi
from support import Serving, multipart, npm_tarball, python_wheel, request, wheel_name


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class ServeTest(unittest.TestCase):
    def test_stops_everything_when_stdin_ends(self):
        serving = Serving("--npm")
        self.assertTrue(all(is_running(pid) for pid in serving.ready["pids"]))
        serving.close()
        self.assertEqual(serving.process.returncode, 0)
        self.assertFalse(any(is_running(pid) for pid in serving.ready["pids"]))

    def test_stops_everything_on_sigterm(self):
        serving = Serving("--npm")
        serving.process.send_signal(signal.SIGTERM)
        self.assertEqual(serving.process.wait(20), 0)
        self.assertFalse(any(is_running(pid) for pid in serving.ready["pids"]))
        serving.close()

    def test_fails_when_a_registry_ends_by_itself(self):
        serving = Serving("--npm")
        os.kill(serving.ready["pids"][0], signal.SIGKILL)
        self.assertEqual(serving.process.wait(20), 1)
        serving.close()


class NpmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = Serving("--npm")
        cls.addClassCleanup(cls.serving.close)
        cls.about = cls.serving.ready["npm"]

    def publish(self, version: str, content: str = "1", token: str | None = None, **dist) -> tuple[int, bytes]:
        tarball = npm_tarball("@dao/demo", version, content)
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        manifest = {
            "name": "@dao/demo",
            "version": version,
            "dist": {
                "integrity": integrity,
                "shasum": hashlib.sha1(tarball).hexdigest(),
                # Without this pnpr shows no tarball at all; with it, its own address instead.
                "tarball": f"http://npm.registry.example/@dao/demo/-/demo-{version}.tgz",
                **dist,
            },
        }
        attachment = {
            "content_type": "application/octet-stream",
            "data": base64.b64encode(tarball).decode(),
            "length": len(tarball),
        }
        body = {
            "_id": "@dao/demo",
            "name": "@dao/demo",
            "dist-tags": {"latest": version},
            "versions": {version: manifest},
            "access": "public",
            "_attachments": {f"@dao/demo-{version}.tgz": attachment},
        }
        headers = {"content-type": "application/json", "authorization": f"Bearer {token or self.about['token']}"}
        return request("PUT", f"{self.about['url']}/@dao%2fdemo", json.dumps(body).encode(), headers)

    def test_knows_its_account(self):
        headers = {"authorization": f"Bearer {self.about['token']}"}
        status, body = request("GET", f"{self.about['url']}/-/whoami", headers=headers)
        self.assertEqual((status, json.loads(body)["username"]), (200, npm.USERNAME))

    def test_serves_the_tarball_from_its_own_address(self):
        self.assertEqual(self.publish("1.1.0")[0], 201)
        _, body = request("GET", f"{self.about['url']}/@dao%2fdemo/1.1.0")
        tarball = json.loads(body)["dist"]["tarball"]
        self.assertTrue(tarball.startswith(self.about["url"]), tarball)
        self.assertEqual(request("GET", tarball), (200, npm_tarball("@dao/demo", "1.1.0", "1")))

    def test_publishes_once_and_shows_the_integrity(self):
        self.assertEqual(self.publish("1.0.0")[0], 201)
        status, body = request("GET", f"{self.about['url']}/@dao%2fdemo/1.0.0")
        tarball = npm_tarball("@dao/demo", "1.0.0", "1")
        self.assertEqual(status, 200)
        expected = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        self.assertEqual(json.loads(body)["dist"]["integrity"], expected)
        self.assertEqual(self.publish("1.0.0")[0], 409)
        self.assertEqual(self.publish("1.0.0", content="2")[0], 409)

    def test_refuses_a_wrong_token(self):
        self.assertEqual(self.publish("2.0.0", token="npm_wrong")[0], 401)

    def test_refuses_a_wrong_integrity_and_a_wrong_checksum(self):
        other = "sha512-" + base64.b64encode(bytes(64)).decode()
        self.assertEqual(self.publish("3.0.0", integrity=other)[0], 400)
        self.assertEqual(self.publish("3.0.0", shasum="0" * 40)[0], 400)


class PypiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = Serving("--pypi")
        cls.addClassCleanup(cls.serving.close)
        cls.about = cls.serving.ready["pypi"]
        cls.now = int(time.time())

    def narrowed(self, *caveats, names=("dao-demo",), lifetime_s=300) -> str:
        expiry = [0, self.now + lifetime_s, self.now - 60]
        return macaroon.narrow(self.about["token"], [[1, list(names)], expiry, *caveats])

    def upload(self, token: str, version: str, project: str = "dao-demo", content: str = "1") -> tuple[int, str]:
        """Uploads a wheel as the usual clients do; returns the status and the reason given."""
        wheel = python_wheel(project, version, content)
        fields = {
            ":action": "file_upload",
            "protocol_version": "1",
            "filetype": "bdist_wheel",
            "pyversion": "py3",
            "metadata_version": "2.1",
            "name": project,
            "version": version,
            "sha256_digest": hashlib.sha256(wheel).hexdigest(),
        }
        boundary, body = multipart(fields, wheel_name(project, version), wheel)
        headers = {
            "content-type": f"multipart/form-data; boundary={boundary}",
            "authorization": pypi.basic("__token__", token),
            "accept": "application/json",
        }
        status, answer = request("POST", self.about["url"], body, headers)
        try:
            return status, json.loads(answer).get("code", "")
        except ValueError:
            return status, ""

    def log(self) -> list[dict]:
        return [json.loads(line) for line in Path(self.about["authentications"]).read_text().splitlines()]

    def test_is_ready_in_time(self):
        print(f"ready after {self.serving.took_s:.1f} s", end=" … ", flush=True)
        self.assertLess(self.serving.took_s, 20)

    def test_accepts_the_narrowed_token_and_shows_the_digest(self):
        self.assertEqual(self.upload(self.narrowed(), "1.0.0")[0], 200)
        self.assertEqual((self.log()[-1]["outcome"], self.log()[-1]["project"]), ("accepted", "dao-demo"))
        headers = {"accept": "application/vnd.pypi.simple.v1+json"}
        status, body = request("GET", f"{self.about['read_url']}/dao-demo/", headers=headers)
        self.assertEqual(status, 200)
        files = {file["filename"]: file for file in json.loads(body)["files"]}
        expected = hashlib.sha256(python_wheel("dao-demo", "1.0.0", "1")).hexdigest()
        self.assertEqual(files[wheel_name("dao-demo", "1.0.0")]["hashes"]["sha256"], expected)

    def test_takes_the_same_file_again_but_no_other_bytes(self):
        self.assertEqual(self.upload(self.narrowed(), "2.0.0")[0], 200)
        self.assertEqual(self.upload(self.narrowed(), "2.0.0")[0], 200)
        self.assertEqual(self.upload(self.narrowed(), "2.0.0", content="2")[0], 409)

    def test_refuses_the_token_that_is_not_narrowed(self):
        status, reason = self.upload(self.about["token"], "3.0.0")
        self.assertEqual(status, 403)
        self.assertIn("narrowed to one project and 15 minutes only", reason)
        self.assertEqual(self.log()[-1]["outcome"], "refused")
        only_project = macaroon.narrow(self.about["token"], [[1, ["dao-demo"]]])
        self.assertEqual(self.upload(only_project, "3.0.0")[0], 403)
        only_expiry = macaroon.narrow(self.about["token"], [[0, self.now + 300, self.now - 60]])
        self.assertEqual(self.upload(only_expiry, "3.0.0")[0], 403)
        self.assertEqual(self.upload(self.narrowed(names=["dao-demo", "other"]), "3.0.0")[0], 403)
        self.assertEqual(self.upload(self.narrowed(lifetime_s=3_600), "3.0.0")[0], 403)

    def test_refuses_another_project(self):
        answer = self.upload(self.narrowed(names=["other"]), "3.0.0")
        expected = "403 Invalid API Token: project-scoped token is not valid for project: 'dao-demo'"
        self.assertEqual(answer, (403, expected))
        # Each caveat narrows further: a second project cannot widen the first.
        self.assertEqual(self.upload(self.narrowed([1, ["other"]]), "3.0.0", project="other")[0], 403)

    def test_matches_project_names_as_the_index_does(self):
        self.assertEqual(self.upload(self.narrowed(names=["dotted-name"]), "1.0.0", project="Dotted.Name")[0], 200)

    def test_refuses_the_token_outside_its_time(self):
        expired = "403 Invalid API Token: token is expired"
        self.assertEqual(self.upload(self.narrowed(lifetime_s=-1), "3.0.0"), (403, expired))
        not_yet = self.narrowed([0, self.now + 300, self.now + 200])
        self.assertEqual(self.upload(not_yet, "3.0.0"), (403, expired))

    def test_refuses_tampered_foreign_and_malformed_tokens(self):
        invalid = "403 Invalid or non-existent authentication information."
        unsigned = "403 Invalid API Token: signatures do not match"
        narrowed = self.narrowed()
        self.assertEqual(self.upload(narrowed[:-4] + "AAAA", "3.0.0"), (403, unsigned))
        caveats = [[1, ["dao-demo"]], [0, self.now + 300, self.now - 60]]
        for location, expected in [(self.about["location"], invalid), ("elsewhere.example", invalid)]:
            foreign = macaroon.mint(location, str(uuid.uuid4()), bytes(32), caveats)
            self.assertEqual(self.upload(foreign, "3.0.0"), (403, expected))
        for malformed in ["", "pypi-", "pypi-AAAA", "wrong", "pypi-" + "A" * 200]:
            self.assertEqual(self.upload(malformed, "3.0.0"), (403, invalid), malformed)

    def test_checks_every_kind_of_caveat(self):
        for caveat, reason in [
            ([3, str(uuid.uuid4())], "user-scoped token is not valid for this user"),
            ([2, [str(uuid.uuid4())]], "project-scoped token is not valid for project ID: "),
            ([9, "x"], "caveat has unknown tag"),
            ([4, "publisher"], "caveat has unknown tag"),
            ([0, "soon", 0], "malformed caveat"),
            ([1, "dao-demo"], "malformed caveat"),
            ([], "malformed caveat"),
            ({"project": "dao-demo"}, "malformed caveat"),
        ]:
            status, told = self.upload(self.narrowed(caveat), "3.0.0")
            self.assertEqual(status, 403, caveat)
            self.assertTrue(told.startswith(f"403 Invalid API Token: {reason}"), told)

    def test_refuses_an_upload_without_a_token(self):
        boundary, body = multipart({":action": "file_upload", "name": "dao-demo"}, "x.whl", b"")
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        self.assertEqual(request("POST", self.about["url"], body, headers)[0], 401)

    def test_never_logs_a_token(self):
        self.upload(self.narrowed(), "4.0.0")
        kept = [path for path in self.serving.directory.rglob("*") if path.suffix in (".jsonl", ".log")]
        self.assertGreaterEqual(len(kept), 2)
        signature = macaroon.PREFIX.encode()
        self.assertFalse([path for path in kept if signature in path.read_bytes()])
