"""What other Python libraries encrypt to the published keys opens, and they open the answers."""

import base64

import cbor2
import content
import pyrage
from cwt import COSE, COSEAlgs, COSEKey, Recipient
from joserfc import jwe
from joserfc.jwk import ECKey, OKPKey

PLAIN = b"what only its owner reads"
PART = (5, 9)
owner = content.settings()


def check(what, opened):
    assert opened == b"only its ", f"{what}: opened as {opened!r}"
    print(what)


def new_reader(curve):
    return ECKey.generate_key("P-256") if curve == "P-256" else OKPKey.generate_key("X25519")


def read_jwe(what, item, curve):
    reader = new_reader(curve)
    answer = owner.retrieve(item, reader.as_dict(private=False), "jwe", *PART)
    check(what, jwe.decrypt_compact(answer.decode(), reader, algorithms=["ECDH-ES+A256KW", "A256GCM"]).plaintext)


def joserfc(recipient, curve):
    key = (ECKey if curve == "P-256" else OKPKey).import_key(recipient["jwk"])
    for algorithm in ["ECDH-ES", "ECDH-ES+A256KW"]:
        header = {"alg": algorithm, "enc": "A256GCM"}
        message = jwe.encrypt_compact(header, PLAIN, key, algorithms=[algorithm, "A256GCM"])
        item = owner.store("joserfc", "jwe", message.encode())
        read_jwe(f"joserfc {algorithm} {curve}", item, curve)


def python_cwt(recipient, curve):
    """It writes COSE_Encrypt to P-256 keys alone. COSE has no format for answers: they are opened as JWE."""
    if curve != "P-256":
        return
    published = cbor2.loads(base64.urlsafe_b64decode(recipient["cose_key"] + "=="))
    # What the derived key is for (RFC 9053, section 5.2): the content, or wrapping its key.
    for algorithm, purpose in [(COSEAlgs.ECDH_ES_HKDF_256, "A256GCM"), (COSEAlgs.ECDH_ES_A256KW, "A256KW")]:
        public = COSEKey.new({**published, 3: algorithm})
        to = Recipient.new(protected={1: algorithm}, recipient_key=public, context={"alg": purpose})
        key = COSEKey.generate_symmetric_key(alg="A256GCM")
        message = COSE.new().encode(
            PLAIN,
            key if algorithm == COSEAlgs.ECDH_ES_A256KW else None,
            protected={1: COSEAlgs.A256GCM},
            unprotected={5: key.generate_nonce()},
            recipients=[to],
        )
        item = owner.store("python-cwt", "cose", message)
        read_jwe(f"python-cwt {algorithm} {curve}", item, curve)


def age(recipient, curve):
    """rage's library has X25519 alone."""
    if curve != "X25519":
        return
    to = pyrage.x25519.Recipient.from_str(recipient["age"])
    item = owner.store("pyrage", "age", pyrage.encrypt(PLAIN, [to]))
    identity = pyrage.x25519.Identity.generate()
    answer = owner.retrieve(item, str(identity.to_public()), "age", *PART)
    check(f"pyrage {curve}", pyrage.decrypt(answer, [identity]))


for curve in ["P-256", "X25519"]:
    recipient = content.recipient_key(owner.url, owner.name, curve)
    for tool in [joserfc, python_cwt, age]:
        tool(recipient, curve)
