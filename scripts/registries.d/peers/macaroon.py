"""Macaroons as the Python index's upload tokens use them: minted with a root key, narrowed by any holder.

The plugin that judges them uses pymacaroons; this is written apart from it, so that each checks the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

PREFIX = "pypi-"
LOCATION, IDENTIFIER, SIGNATURE = 1, 2, 6


def mint(location: str, identifier: str, root_key: bytes, caveats: list) -> str:
    """A token with these caveats, each a JSON array with its tag first."""
    key = sign(b"macaroons-key-generator", root_key)
    signature = sign(key, identifier.encode())
    body = b"\x02" + field(LOCATION, location.encode()) + field(IDENTIFIER, identifier.encode()) + b"\x00"
    return append(body, signature, caveats)


def narrow(token: str, caveats: list) -> str:
    """The same token with more caveats; needs nothing but the token."""
    encoded = token.removeprefix(PREFIX)
    raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    signature_field = len(field(SIGNATURE, bytes(32)))
    # After the last caveat's end of section comes the end of all caveats, then the signature.
    body, signature = raw[: -signature_field - 1], raw[-32:]
    return append(body, signature, caveats)


def append(body: bytes, signature: bytes, caveats: list) -> str:
    for caveat in caveats:
        text = json.dumps(caveat, separators=(",", ":")).encode()
        body += field(IDENTIFIER, text) + b"\x00"
        signature = sign(signature, text)
    raw = body + b"\x00" + field(SIGNATURE, signature)
    return PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def field(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + varint(len(content)) + content


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
