"""The registry's signatures over what it serves, with keys that are rotated."""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Signer:
    def __init__(self):
        # The published keys, oldest first; the last one signs.
        self._published: list[dict] = []
        self.rotate()

    def rotate(self, expires: str | None = None) -> None:
        """Signs with a new key from now on; the one before expires at the moment named (ISO 8601)."""
        if self._published:
            self._published[-1]["expires"] = expires
        self._key = ec.generate_private_key(ec.SECP256R1())
        spki = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._published.append(
            {
                "expires": None,
                "keyid": f"SHA256:{base64.b64encode(hashlib.sha256(spki).digest()).decode().rstrip('=')}",
                "keytype": "ecdsa-sha2-nistp256",
                "scheme": "ecdsa-sha2-nistp256",
                "key": base64.b64encode(spki).decode(),
            }
        )

    def keys(self) -> dict:
        """The document at `/-/npm/v1/keys`."""
        return {"keys": self._published}

    def sign(self, name: str, version: str, integrity: str) -> list[dict]:
        """What a version document shows as `dist.signatures`."""
        signature = self._key.sign(f"{name}@{version}:{integrity}".encode(), ec.ECDSA(hashes.SHA256()))
        return [{"keyid": self._published[-1]["keyid"], "sig": base64.b64encode(signature).decode()}]
