"""Proves that the npm double gives every answer of the public registry that it is there for."""

from __future__ import annotations

import base64
import hashlib
import json
import unittest
import urllib.error
import urllib.request

from support import Control, Serving, npm_tarball

TOKEN = "npm_good"
NAME = "@dao/demo"
NOW_S = 1_800_000_000


class NpmDoubleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.serving = Serving("--npm-double")
        cls.addClassCleanup(cls.serving.close)
        cls.about = cls.serving.ready["npm-double"]
        cls.control = Control(cls.about["control_url"])
        cls.versions = 0

    def setUp(self):
        self.control("reset")
        self.control("clock", now_s=NOW_S)
        self.control("token", token=TOKEN, standing="valid")
        self.control("package", name=NAME, disallows_tokens=False)
        self.control("registry", scan_s=0, npm_notice="", are_ranges_served=True, one_time_password="123456")
        type(self).versions += 1
        self.version = f"1.0.{self.versions}"
        self.tarball = npm_tarball(NAME, self.version, "1")

    def call(self, method: str, path: str, body=None, **headers: str) -> tuple[int, dict | bytes, dict]:
        """Status, body and headers of an answer; `npm_otp="…"` is the header `npm-otp`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("authorization", f"Bearer {TOKEN}")
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = urllib.request.Request(self.about["url"] + path, data, named, method=method)
        try:
            answer = urllib.request.urlopen(sent, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            content = answer.read()
            if "json" in (answer.headers.get("content-type") or ""):
                content = json.loads(content)
            return answer.status, content, dict(answer.headers)

    def document(self, name: str = NAME, access: str | None = "public", tag: str = "latest", **dist) -> dict:
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(self.tarball).digest()).decode()
        attachment = {
            "content_type": "application/octet-stream",
            "data": base64.b64encode(self.tarball).decode(),
            "length": len(self.tarball),
        }
        return {
            "_id": name,
            "name": name,
            "dist-tags": {tag: self.version},
            "versions": {
                self.version: {"name": name, "version": self.version, "dist": {"integrity": integrity, **dist}}
            },
            "access": access,
            "_attachments": {f"{name}-{self.version}.tgz": attachment},
        }

    def publish(self, name: str = NAME, **document) -> tuple[int, dict, dict]:
        return self.call("PUT", f"/{name.replace('/', '%2f')}", self.document(name, **document))

    def stage(self, name: str = NAME) -> str:
        status, body, _ = self.call("POST", f"/-/stage/package/{name.replace('/', '%2f')}", self.document(name))
        self.assertEqual(status, 201)
        return body["stageId"]

    def refusal(self, answer: tuple[int, dict, dict]) -> tuple[int, str]:
        return answer[0], answer[1]["error"]

    def test_publishes_and_shows_version_packument_tag_and_tarball(self):
        status, body, _ = self.publish()
        self.assertEqual((status, body), (200, {"success": True}))
        _, shown, _ = self.call("GET", f"/@dao%2fdemo/{self.version}")
        self.assertTrue(shown["dist"]["tarball"].startswith(self.about["url"]), "of its own address")
        path = f"/@dao/demo/-/demo-{self.version}.tgz"
        self.assertEqual(self.call("GET", path)[:2], (200, self.tarball))
        self.assertEqual(self.call("GET", path, range="bytes=2-5")[:2], (206, self.tarball[2:6]))
        self.control("registry", are_ranges_served=False)
        self.assertEqual(self.call("GET", path, range="bytes=2-5")[:2], (200, self.tarball))
        self.assertEqual(self.call("GET", "/-/package/@dao%2fdemo/dist-tags")[1]["latest"], self.version)
        _, short, headers = self.call("GET", "/@dao%2fdemo", accept="application/vnd.npm.install-v1+json")
        self.assertEqual(headers["content-type"], "application/vnd.npm.install-v1+json")
        self.assertNotIn("_rev", short)
        self.assertIn(self.version, short["versions"])

    def test_hides_a_version_while_it_is_scanned(self):
        self.control("registry", scan_s=300)
        self.assertEqual(self.publish()[0], 200)
        self.assertEqual(self.call("GET", f"/@dao%2fdemo/{self.version}")[0], 404)
        expected = f'Cannot publish over previously staged version "{self.version}".'
        self.assertEqual(self.refusal(self.publish()), (409, expected))
        self.control("clock", now_s=NOW_S + 300)
        self.assertEqual(self.call("GET", f"/@dao%2fdemo/{self.version}")[0], 200)
        expected = f"You cannot publish over the previously published versions: {self.version}."
        self.assertEqual(self.refusal(self.publish()), (403, expected))

    def test_never_gives_a_number_again_nor_shows_what_is_blocked(self):
        self.publish()
        self.control("version", package=NAME, version=self.version, is_unpublished=True)
        expected = f'Cannot publish over previously published version "{self.version}".'
        self.assertEqual(self.refusal(self.publish()), (400, expected))
        self.control("version", package=NAME, version=self.version, is_unpublished=False, is_blocked=True)
        self.assertEqual(self.call("GET", f"/@dao%2fdemo/{self.version}")[0], 404)
        self.assertEqual(self.publish()[0], 409)

    def test_answers_each_kind_of_token_in_its_way(self):
        unknown = self.call("PUT", "/@dao%2fdemo", self.document(), authorization="Bearer npm_unknown")
        self.assertEqual(self.refusal(unknown), (401, "Unauthorized"))
        for standing, status, text in [
            ("expired", 404, "could not be found or you do not have permission"),
            ("other-packages", 404, "could not be found or you do not have permission"),
            ("read-only", 403, "You do not have permission"),
            ("stage-only", 403, "run npm stage publish"),
            ("without-bypass", 403, "Two-factor authentication or granular access token with bypass 2fa"),
            ("one-time-password", 401, "You must provide a one-time pass"),
            ("other-address", 401, "Login is not allowed from your IP address"),
        ]:
            self.control("token", token=TOKEN, standing=standing)
            answer = self.publish()
            self.assertEqual(answer[0], status, standing)
            self.assertIn(text, answer[1]["error"])
        self.assertEqual(answer[2]["www-authenticate"], "ipaddress")
        self.control("token", token=TOKEN, standing="expired")
        self.assertEqual(self.call("GET", "/-/whoami")[0], 401)
        self.control("token", token=TOKEN, standing="valid", user="five")
        self.assertEqual(self.call("GET", "/-/whoami")[:2], (200, {"username": "five"}))

    def test_asks_for_a_one_time_password_in_the_way_the_client_can_answer(self):
        self.control("package", name=NAME, disallows_tokens=True)
        status, body, headers = self.publish()
        self.assertEqual((status, headers["www-authenticate"]), (401, "OTP"))
        self.assertNotIn("authUrl", body)
        web = self.call("PUT", "/@dao%2fdemo", self.document(), npm_auth_type="web")
        self.assertIn("authUrl", web[1])
        self.assertEqual(self.call("PUT", "/@dao%2fdemo", self.document(), npm_otp="000000")[0], 401)
        self.assertEqual(self.call("PUT", "/@dao%2fdemo", self.document(), npm_otp="123456")[0], 200)

    def test_leaves_the_first_version_of_a_name_to_people(self):
        path, otp = "/@dao%2fnew", {"npm_otp": "123456"}
        self.assertEqual(self.publish("@dao/new")[0], 401)
        closed = self.call("PUT", path, self.document("@dao/new", access=None), **otp)
        self.assertEqual(self.refusal(closed), (402, "You must sign up for private packages"))
        self.control("registry", names_too_similar=["demos"])
        answer = self.call("PUT", "/demos", self.document("demos"), **otp)
        self.assertEqual(self.refusal(answer), (403, "Package name too similar to existing package demo"))
        self.assertEqual(self.call("PUT", path, self.document("@dao/new"), **otp)[0], 200)

    def test_refuses_documents_that_are_no_publication(self):
        good = self.document()
        for wrong in [
            {**good, "name": "@dao/other"},
            {**good, "versions": {**good["versions"], "9.9.9": {}}},
            {**good, "_attachments": {}},
            {**good, "dist-tags": {"latest": "9.9.9"}},
            {**good, "versions": {self.version: {"name": NAME, "version": self.version}}},
            ["no object"],
        ]:
            self.assertEqual(
                self.call("PUT", "/@dao%2fdemo", {"_attachments": {}, **wrong} if isinstance(wrong, dict) else wrong)[
                    0
                ],
                400,
            )
        bundle = {**good["_attachments"], f"{NAME}-{self.version}.sigstore": {"content_type": "x", "data": "{}"}}
        self.assertEqual(self.call("PUT", "/@dao%2fdemo", {**good, "_attachments": bundle})[0], 422)
        large = b'{"_attachments":' + b" " * (50 * 1024 * 1024)
        self.assertEqual(self.call("PUT", "/@dao%2fdemo", large)[0], 413)
        self.control("registry", names_refused_by_scanner=[NAME])
        self.assertEqual(self.refusal(self.publish()), (403, "Forbidden"))
        self.control("registry", names_refused_by_scanner=[])

    def test_stages_lists_and_serves_until_a_person_approves(self):
        self.control("token", token=TOKEN, standing="stage-only")
        stage = self.stage()
        again = self.call("POST", "/-/stage/package/@dao%2fdemo", self.document())
        self.assertEqual(self.refusal(again), (409, f'Cannot stage previously published version "{self.version}"'))
        self.assertEqual(self.call("GET", f"/@dao%2fdemo/{self.version}")[0], 404)
        _, listed, _ = self.call("GET", "/-/stage?package=%40dao%2Fdemo&page=0&perPage=100")
        item = listed["items"][0]
        expected = (stage, self.version, "latest", hashlib.sha1(self.tarball).hexdigest())
        self.assertEqual((item["id"], item["version"], item["tag"], item["shasum"]), expected)
        self.assertEqual(self.call("GET", f"/-/stage/{stage}")[1], item)
        self.assertEqual(self.call("GET", f"/-/stage/{stage}/tarball")[:2], (200, self.tarball))
        self.assertEqual(self.call("GET", f"/-/stage/{stage}/tarball", range="bytes=0-9")[:2], (206, self.tarball[:10]))
        self.assertEqual(self.call("GET", "/-/stage", authorization="Bearer npm_unknown")[0], 401)
        self.assertEqual(self.call("POST", f"/-/stage/{stage}/approve")[0], 401, "without a one-time password")
        self.assertEqual(self.call("POST", f"/-/stage/{stage}/approve", npm_otp="123456")[0], 201)
        self.assertEqual(self.call("GET", f"/-/stage/{stage}")[0], 404)
        self.assertEqual(self.call("GET", f"/@dao%2fdemo/{self.version}")[0], 200)

    def test_drops_stages_that_are_rejected_or_expire(self):
        rejected = self.stage()
        self.assertEqual(self.call("DELETE", f"/-/stage/{rejected}")[0], 401)
        self.assertEqual(self.call("DELETE", f"/-/stage/{rejected}", npm_otp="123456")[0], 204)
        expired = self.stage()
        direct = self.publish()
        expected = f'Cannot publish over previously staged version "{self.version}".'
        self.assertEqual(self.refusal(direct), (409, expected), "staged and published it may not be")
        self.control("clock", now_s=NOW_S + 8 * 24 * 60 * 60)
        self.assertEqual(self.call("GET", f"/-/stage/{expired}")[0], 404)
        self.assertEqual(self.control("stages"), [])

    def test_lists_stages_page_by_page(self):
        self.control("package", name="@dao/listed")
        stages = []
        for patch in range(3):
            self.version = f"2.0.{patch}"
            stages.append(self.stage("@dao/listed"))
        pages = [self.call("GET", f"/-/stage?package=@dao/listed&page={page}&perPage=2")[1] for page in range(3)]
        self.assertEqual([item["id"] for page in pages for item in page["items"]], stages[::-1])
        self.assertEqual([page["total"] for page in pages], [3, 3, 3])
        self.assertEqual(self.call("GET", "/-/stage?perPage=101")[0], 400)
        self.assertEqual(self.call("GET", "/-/stage?package=@dao/none")[1]["items"], [])

    def test_signs_versions_and_publishes_its_keys(self):
        from_before = self.shown_signature()
        self.control("rotate", expires="2026-11-21T00:00:00.000Z")
        keys = self.call("GET", "/-/npm/v1/keys")[1]["keys"]
        self.assertEqual([key["expires"] for key in keys[-2:]], ["2026-11-21T00:00:00.000Z", None])
        self.version = f"3.0.{self.versions}"
        self.assertEqual([from_before["keyid"], self.shown_signature()["keyid"]], [key["keyid"] for key in keys[-2:]])
        self.control("registry", signing="not")
        self.version = f"4.0.{self.versions}"
        self.assertIsNone(self.shown_signature())
        self.control("registry", signing="truly")

    def shown_signature(self) -> dict | None:
        self.assertEqual(self.publish()[0], 200)
        dist = self.call("GET", f"/@dao%2fdemo/{self.version}")[1]["dist"]
        return dist.get("signatures", [None])[0]

    def test_moves_tags(self):
        self.publish(tag="next")
        tag = "/-/package/@dao%2fdemo/dist-tags/latest"
        self.assertEqual(self.call("PUT", tag, json.dumps(self.version).encode())[0], 200)
        self.assertEqual(self.call("GET", "/-/package/@dao%2fdemo/dist-tags")[1]["latest"], self.version)
        self.assertEqual(self.call("PUT", tag, b'"9.9.9"')[0], 400)
        self.assertEqual(self.call("DELETE", "/-/package/@dao%2fdemo/dist-tags/next")[0], 200)
        self.control("token", token=TOKEN, standing="expired")
        self.assertEqual(self.call("PUT", tag, json.dumps(self.version).encode())[0], 404)

    def test_deprecates_by_the_whole_document_and_its_revision(self):
        self.publish()
        _, packument, _ = self.call("GET", "/@dao%2fdemo")
        packument["versions"][self.version]["deprecated"] = "use another"
        self.assertEqual(self.call("PUT", "/@dao%2fdemo", {**packument, "_rev": "1-old"})[0], 409)
        self.assertEqual(self.call("PUT", "/@dao%2fdemo", packument)[0], 200)
        shown = self.call("GET", f"/@dao%2fdemo/{self.version}")[1]
        self.assertEqual(shown["deprecated"], "use another")
        _, packument, _ = self.call("GET", "/@dao%2fdemo")
        packument["versions"][self.version]["deprecated"] = ""
        self.assertEqual(self.call("PUT", "/@dao%2fdemo", packument)[0], 200)
        self.assertNotIn("deprecated", self.call("GET", f"/@dao%2fdemo/{self.version}")[1])

    def test_answers_as_told_and_records_what_arrived(self):
        self.control("answer", status=429, methods=["PUT"], headers={"retry-after": "1934"}, body="<html>", times=1)
        status, body, headers = self.publish()
        self.assertEqual((status, body, headers["retry-after"]), (429, b"<html>", "1934"))
        self.control("answer", status=503, methods=["PUT"], processed=True)
        self.assertEqual(self.publish()[0], 503)
        self.assertEqual(base64.b64decode(self.control("tarball", package=NAME, version=self.version)), self.tarball)
        self.control("registry", npm_notice="npm tokens that bypass 2FA are being restricted")
        self.assertIn("npm-notice", self.publish()[2])
        seen = self.control("requests", methods=["PUT"])
        self.assertEqual(len(seen), 3)
        self.assertEqual(base64.b64decode(seen[0]["body"]), json.dumps(self.document()).encode())
        self.assertEqual(seen[0]["target"], "/@dao%2fdemo")
