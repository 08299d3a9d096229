"""Judges a receipt with libraries that others wrote: securesystemslib (DSSE) and in-toto-attestation (statements).

usage: check.py ENVELOPE PUBLIC_KEY_HEX

Prints one JSON object: the verdict, and of an accepted receipt its subjects and predicate type.
"""

import hashlib
import json
import sys
from pathlib import Path

from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey


def judge(envelope_json, public_key):
    # The key id that receipts carry: the digest of the key itself.
    key_id = hashlib.sha256(public_key).hexdigest()
    key = SSlibKey(key_id, "ed25519", "ed25519", {"public": public_key.hex()})
    envelope = Envelope.from_dict(json.loads(envelope_json))
    try:
        envelope.verify([key], 1)
    except VerificationError:
        return {"verdict": "not signed"}
    if envelope.payload_type != "application/vnd.in-toto+json":
        return {"verdict": "another payload"}
    message = json_format.Parse(envelope.payload, StatementMessage())
    Statement.copy_from_pb(message).validate()
    subjects = {subject.name: dict(subject.digest) for subject in message.subject}
    return {"verdict": "accepted", "subjects": subjects, "predicate_type": message.predicate_type}


print(json.dumps(judge(Path(sys.argv[1]).read_text(), bytes.fromhex(sys.argv[2]))))
