#!/usr/bin/env python3
"""Writes journal-v1.json: records of the journal made from docs/FORMAT.md alone, with none of Coffer's code.

    python3 packages/journal/test/vectors/generate.py > packages/journal/test/vectors/journal-v1.json

Needs `cryptography` for Ed25519. Every run writes the same bytes. Never edit the JSON: change this and run it.
`valid` holds one identity chain, one vault and one of each other record. Each of `refused` has one thing wrong and
names the error code; its signature is good unless that is the one thing.
"""
import hashlib
import json
import struct
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


# CBOR, RFC 8949 §4.2: shortest heads, map keys sorted by their encoding.
def head(major, value):
    for bits, code in ((8, 24), (16, 25), (32, 26), (64, 27)):
        if value < 24:
            return bytes([major << 5 | value])
        if value < 1 << bits:
            return bytes([major << 5 | code]) + value.to_bytes(bits // 8, "big")
    raise ValueError(value)


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    pairs = sorted((cbor(key), cbor(item)) for key, item in value.items())
    return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)


def lp(*fields):
    out = b""
    for field in fields:
        raw = field.encode() if isinstance(field, str) else struct.pack(">Q", field) if isinstance(field, int) else field
        out += struct.pack(">I", len(raw)) + raw
    return out


def sha(data):
    return hashlib.sha256(data).digest()


def some(name, length):
    """Bytes that follow from a name."""
    return b"".join(sha(f"{name} {index}".encode()) for index in range(length // 32 + 1))[:length]


class Key:
    def __init__(self, name):
        self.private = Ed25519PrivateKey.from_private_bytes(some(name, 32))
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, label, data):
        return self.private.sign(lp(label, data))


ZERO = bytes(32)
ROOT = bytes(16)
AT = [1700000000, 5]
ACCOUNT, SERVER = some("account", 16), some("server", 16)
FULL, WORKER = some("full device", 16), some("worker device", 16)
identity_key, next_key = Key("identity"), Key("next identity")
full_key, worker_key, stranger = Key("full"), Key("worker"), Key("stranger")
authority = Key("authority")
SEAL, NEXT_SEAL, WORKER_SEAL = some("seal", 1216), some("next seal", 1216), some("worker seal", 1216)


# Identity chain
def statement(fields, key, label="coffer/1 identity statement"):
    payload = cbor(fields)
    return cbor([payload, key.sign(label, payload)])


def statement_hash(payload, signature):
    return sha(lp("coffer/1 identity hash", payload, signature))


def hash_of(fields, key):
    payload = cbor(fields)
    return statement_hash(payload, key.sign("coffer/1 identity statement", payload))


def place(seq, prev):
    return {"v": 1, "account": ACCOUNT, "seq": seq, "prev": prev, "at": AT}


class Chain:
    def __init__(self):
        self.statements, self.hashes = [], []

    def add(self, fields, key):
        whole = {**place(len(self.hashes) + 1, self.hashes[-1] if self.hashes else ZERO), **fields}
        self.statements.append(statement(whole, key))
        self.hashes.append(hash_of(whole, key))


def identity_fingerprint(sign, seal):
    return sha(lp("coffer/1 identity", sign, seal))


CREATE = {"type": "create", "server": SERVER, "signKey": identity_key.public, "sealKey": SEAL}
DEVICE = {"type": "device", "device": FULL, "signKey": full_key.public, "name": "laptop", "scope": "full"}
chain = Chain()
chain.add(CREATE, identity_key)
chain.add(DEVICE, identity_key)

# Vault: the genesis knows the chain up to the first device
FINGERPRINT = identity_fingerprint(identity_key.public, SEAL)
CUT = some("cutting key", 32)


def header_of(fields, body):
    return {"v": 1, "at": AT, "bodyHash": sha(body), **fields}


def commit(fields, operations, key, body=None):
    body = cbor(operations) if body is None else body
    header = cbor(header_of(fields, body))
    return cbor([header, key.sign("coffer/1 commit", header), body])


def commit_hash(fields, operations, key):
    header = cbor(header_of(fields, cbor(operations)))
    return sha(lp("coffer/1 commit hash", header, key.sign("coffer/1 commit", header)))


def epoch(n, seals, link=None, team=None):
    return ["epoch", n, some(f"commitment {n}", 32), link, seals, team]


OWN_SEAL = [ACCOUNT, None, FINGERPRINT, some("sealed", 1168)]
GENESIS = {
    "vault": ZERO, "seq": 1, "prev": ZERO, "epoch": 0, "account": ACCOUNT, "device": b"", "commitId": some("commit 1", 16),
    "refs": [["genesis", "home", ACCOUNT, FINGERPRINT, chain.hashes[1]], epoch(0, [OWN_SEAL])],
}
INIT = [["init", CUT]]
VAULT = sha(lp("coffer/1 vault", cbor(header_of(GENESIS, cbor(INIT)))))

# The worker serves that vault; then the identity changes its keys
chain.add({"type": "device", "device": WORKER, "signKey": worker_key.public, "name": "nas", "scope": "worker", "sealKey": WORKER_SEAL, "vaults": [VAULT]}, identity_key)
chain.add({"type": "revoke", "device": FULL}, identity_key)
CONSENT = next_key.sign("coffer/1 identity rotation", lp(ACCOUNT, 5, chain.hashes[3], next_key.public, NEXT_SEAL))
chain.add({"type": "rotate", "signKey": next_key.public, "sealKey": NEXT_SEAL, "proof": CONSENT}, identity_key)

FILE, LINK, BIG, RAW = (some(f"entry {name}", 16) for name in ("file", "link", "big", "raw"))
PH, CHUNK, SEGMENT = some("plain hash", 32), some("chunk id", 32), some("segment id", 32)
PUT = ["put", FILE, ROOT, "Grüße.txt", "file", 70005, [-1, 999999999], 0o644, [[PH, 5, 60, 1], [70000]]]
OPERATIONS = [
    PUT,
    ["put", LINK, ROOT, "link", "symlink", 0, AT, 0o777, [], "Grüße.txt"],
    ["put", BIG, ROOT, "big", "file", 5000000000, AT, 0o600, ["seg", [[SEGMENT, [PH, 30000, 20000, 1], 5000000000, 1000]]]],
    ["put", RAW, ROOT, b"latin-\xe9", "directory", 0, AT, 0o755, []],
    ["move", LINK, RAW, "a link"],
    ["attr", FILE, AT, 0o600],
    ["remove", [LINK]],
]
REFS = [
    ["put", FILE, [[ACCOUNT, CHUNK]], b""],
    ["put", BIG, [], SEGMENT],
    ["drop", [LINK], "removed"],
]


def after(previous, n, fields):
    return {"vault": VAULT, "seq": n, "prev": previous, "epoch": 0, "account": ACCOUNT, "device": FULL, "commitId": some(f"commit {n}", 16), **fields}


HASH1 = commit_hash(GENESIS, INIT, identity_key)
SECOND = after(HASH1, 2, {"refs": REFS})
HASH2 = commit_hash(SECOND, OPERATIONS, full_key)
WORKER_FINGERPRINT = sha(lp("coffer/1 worker", worker_key.public, WORKER_SEAL))
SEALS = [OWN_SEAL, [ACCOUNT, WORKER, WORKER_FINGERPRINT, some("sealed to the worker", 1168)]]
THIRD = after(HASH2, 3, {"epoch": 1, "refs": [["identity", ACCOUNT, chain.hashes[2]], epoch(1, SEALS, some("link", 113)), ["policy", {"versions": 9, "days": 30, "trashDays": 7}]]})
HASH3 = commit_hash(THIRD, [], full_key)
FOURTH = after(HASH3, 4, {"epoch": 1, "device": WORKER, "refs": [["keep", FILE, 2]]})
commits = [commit(GENESIS, INIT, identity_key), commit(SECOND, OPERATIONS, full_key), commit(THIRD, [], full_key), commit(FOURTH, [], worker_key)]

# Certificates and a segment
ORIGIN = {"v": 1, "authority": authority.public, "server": SERVER, "at": AT}
CERTIFICATES = {
    "identity": {**ORIGIN, "type": "identity", "account": ACCOUNT, "fingerprint": FINGERPRINT},
    "recovery": {**ORIGIN, "type": "recovery", "sealKey": some("recovery", 1216)},
    "generation": {**ORIGIN, "type": "generation", "n": 2, "heads": [[VAULT, 3, HASH3]], "reason": "restored"},
}
LIST = some("list chunk", 32)
SEGMENT_PAYLOAD = cbor([[[ACCOUNT, b"".join(sorted([CHUNK, LIST]))]], [ACCOUNT, LIST]])


def certificate(fields, key=authority, label="coffer/1 certificate"):
    return statement(fields, key, label)


# What must be refused, and how
refused = []


def case(kind, name, expect, data, position=None):
    refused.append({"kind": kind, "name": name, "expect": expect, **({} if position is None else {"after": position}), "bytes": data.hex()})


def bad_statement(name, expect, fields, key=identity_key, label="coffer/1 identity statement"):
    """In place of the third statement."""
    case("statement", name, expect, statement({**place(3, chain.hashes[1]), "type": "revoke", "device": FULL, **fields}, key, label), 2)


bad_statement("another version", "UPGRADE_REQUIRED", {"v": 2})
bad_statement("an unknown type", "INVALID", {"type": "grant"})
bad_statement("a field too many", "INVALID", {"extra": 0})
bad_statement("another account", "INVALID", {"account": some("other", 16)})
bad_statement("a position repeated", "INVALID", {"seq": 2})
bad_statement("a position left out", "INVALID", {"seq": 4})
bad_statement("a fork", "INVALID", {"prev": chain.hashes[0]})
bad_statement("an unknown device", "INVALID", {"device": some("other", 16)})
bad_statement("a second beginning", "INVALID", CREATE)
bad_statement("the key of a stranger", "INTEGRITY", {}, stranger)
bad_statement("the key of a device", "INTEGRITY", {}, full_key)
bad_statement("the label of a commit", "INTEGRITY", {}, identity_key, "coffer/1 commit")
bad_statement("a device certified twice", "INVALID", {k: v for k, v in DEVICE.items()})
case("statement", "replayed", "INVALID", chain.statements[1], 2)
case("statement", "of later", "INVALID", chain.statements[3], 2)
rotation = {**place(5, chain.hashes[3]), "type": "rotate", "signKey": next_key.public, "sealKey": NEXT_SEAL}
case("statement", "a rotation without consent", "INTEGRITY", statement({**rotation, "proof": identity_key.sign("coffer/1 identity rotation", lp(ACCOUNT, 5, chain.hashes[3], next_key.public, NEXT_SEAL))}, identity_key), 4)
case("statement", "a rotation with consent for another place", "INTEGRITY", statement({**rotation, "proof": next_key.sign("coffer/1 identity rotation", lp(ACCOUNT, 4, chain.hashes[3], next_key.public, NEXT_SEAL))}, identity_key), 4)
case("statement", "a rotation signed by the new key alone", "INTEGRITY", statement({**rotation, "proof": CONSENT}, next_key), 4)
case("statement", "after a rotation, the old key", "INTEGRITY", statement({**place(6, chain.hashes[4]), "type": "revoke", "device": WORKER}, identity_key), 5)
raw = cbor({**place(3, chain.hashes[1]), "type": "revoke", "device": FULL})
sig = identity_key.sign("coffer/1 identity statement", raw)
case("statement", "without a signature", "INVALID", cbor([raw, b""]), 2)
case("statement", "bytes after the end", "INVALID", cbor([raw, sig]) + b"\0", 2)
case("statement", "a longer head than needed", "INVALID", b"\x82\x59" + len(raw).to_bytes(2, "big") + raw + cbor(sig), 2)
twice = b"\xa8" + raw[1:] + cbor("v") + cbor(1)
case("statement", "a key twice", "INVALID", cbor([twice, identity_key.sign("coffer/1 identity statement", twice)]), 2)


def bad_commit(name, expect, fields=(), operations=(), key=full_key, body=None):
    """In place of the second commit."""
    case("commit", name, expect, commit({**SECOND, "refs": [], **dict(fields)}, list(operations), key, body), 1)


bad_commit("another version", "UPGRADE_REQUIRED", {"v": 2})
bad_commit("a field too many", "INVALID", {"extra": 0})
bad_commit("another vault", "INVALID", {"vault": some("other", 32)})
bad_commit("a position repeated", "INVALID", {"seq": 1})
bad_commit("a position left out", "CONFLICT", {"seq": 3})
bad_commit("a fork", "CONFLICT", {"prev": some("other", 32)})
bad_commit("an epoch to come", "CONFLICT", {"epoch": 1})
bad_commit("an unknown device", "NOT_ALLOWED", {"device": some("other", 16)})
bad_commit("a device of later", "NOT_ALLOWED", {"device": WORKER}, (), worker_key)
bad_commit("a stranger", "NOT_ALLOWED", {"account": some("other", 16)})
bad_commit("the key of another device", "INTEGRITY", {}, (), worker_key)
bad_commit("the key of the identity", "INTEGRITY", {}, (), identity_key)
bad_commit("another body", "INTEGRITY", {"bodyHash": sha(b"")})
bad_commit("a checkpoint", "INVALID", {"refs": [["checkpoint", some("x", 32)]]})
bad_commit("a second beginning", "INVALID", {"refs": GENESIS["refs"]})
bad_commit("ids out of order", "INVALID", {"refs": [["put", FILE, [[ACCOUNT, b"\2" * 32 + b"\1" * 32]], b""]]})
bad_commit("somebody else's chunks", "INVALID", {"refs": [["put", FILE, [[some("other", 16), CHUNK]], b""]]})
bad_commit("an entry named twice", "INVALID", {"refs": [REFS[0], ["drop", [FILE], "removed"]]})
bad_commit("a keep of the future", "INVALID", {"refs": [["keep", FILE, 2]]})
bad_commit("a head that is no head", "INVALID", {"refs": [["identity", ACCOUNT, some("x", 32)]]})
bad_commit("the head of a stranger", "INVALID", {"refs": [["identity", some("other", 16), chain.hashes[1]]]})
bad_commit("an epoch without a link", "INVALID", {"epoch": 1, "refs": [epoch(1, [OWN_SEAL])]})
bad_commit("an epoch sealed to a stranger", "INVALID", {"epoch": 1, "refs": [epoch(1, [OWN_SEAL, [some("other", 16), None, FINGERPRINT, b"x"]], b"link")]})
bad_commit("an epoch that forgets its worker", "INVALID", {"epoch": 1, "refs": [["identity", ACCOUNT, chain.hashes[2]], epoch(1, [OWN_SEAL], b"link")]})
bad_commit("an epoch sealed to another key", "INVALID", {"epoch": 1, "refs": [epoch(1, [[ACCOUNT, None, some("x", 32), b"x"]], b"link")]})
bad_commit("a device that this very commit shows to be revoked", "NOT_ALLOWED", {"refs": [["identity", ACCOUNT, chain.hashes[3]]]})
case("commit", "a worker that changes the policy", "NOT_ALLOWED", commit({**FOURTH, "refs": [["policy", {"versions": 1, "days": 1, "trashDays": 1}]]}, [], worker_key), 3)
case("commit", "a worker that purges", "NOT_ALLOWED", commit({**FOURTH, "refs": [["purge", FILE, [2]]]}, [], worker_key), 3)
case("commit", "replayed", "CONFLICT", commits[1], 2)
case("commit", "the genesis again", "INVALID", commits[0], 1)
case("commit", "bytes after the end", "INVALID", commits[1] + b"\0", 1)

for name, fields, key, expect in (
    ("another authority", {"authority": stranger.public}, stranger, "INTEGRITY"),
    ("the signature of a stranger", {}, stranger, "INTEGRITY"),
    ("another version", {"v": 2}, authority, "UPGRADE_REQUIRED"),
    ("an unknown type", {"type": "root"}, authority, "INVALID"),
):
    case("certificate", name, expect, certificate({**CERTIFICATES["identity"], **fields}, key))
case("certificate", "the label of an identity statement", "INTEGRITY", certificate(CERTIFICATES["identity"], authority, "coffer/1 identity statement"))

for name, operations in (
    ("an unknown operation", [["chown", FILE]]),
    ("a name with a slash", [["move", FILE, ROOT, "a/b"]]),
    ("a name that goes up", [["move", FILE, ROOT, ".."]]),
    ("text given as bytes", [["move", FILE, ROOT, b"text"]]),
    ("a size that is not the content's", [PUT[:5] + [1] + PUT[6:]]),
    ("a removal of the root", [["remove", [ROOT]]]),
):
    case("operations", name, "INVALID", cbor(operations))
case("operations", "text that is not UTF-8", "INVALID", cbor([["move", FILE, ROOT, "a?"]]).replace(b"a?", b"a\xc3"))
case("operations", "a float", "INVALID", b"\x81\x84\x64attr" + cbor(FILE) + cbor(AT) + b"\xf9\x00\x00")
case("operations", "an indefinite length", "INVALID", b"\x9f\xff")
case("operations", "a tag", "INVALID", b"\xc1\x80")
case("segment", "without its list", "INVALID", cbor([[[ACCOUNT, CHUNK]], [ACCOUNT, LIST]]))
case("segment", "ids out of order", "INVALID", cbor([[[ACCOUNT, b"".join(sorted([CHUNK, LIST], reverse=True))]], [ACCOUNT, LIST]]))


def plain(value):
    """As JSON: bytes are {"hex": …}."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return [plain(item) for item in value] if isinstance(value, list) else value


print(json.dumps({
    "valid": {
        "statements": [data.hex() for data in chain.statements],
        "statementHashes": [data.hex() for data in chain.hashes],
        "fingerprints": {
            "identity": FINGERPRINT.hex(),
            "worker": WORKER_FINGERPRINT.hex(),
            "rotated": identity_fingerprint(next_key.public, NEXT_SEAL).hex(),
            "authority": sha(lp("coffer/1 authority", authority.public)).hex(),
        },
        "vault": VAULT.hex(),
        "commits": [data.hex() for data in commits],
        "commitHashes": [HASH1.hex(), HASH2.hex(), HASH3.hex()],
        "associatedData": lp(VAULT, 0, ACCOUNT, FULL, some("commit 2", 16)).hex(),
        "operations": plain(OPERATIONS),
        "certificates": {name: certificate(fields).hex() for name, fields in CERTIFICATES.items()},
        "segment": {"payload": SEGMENT_PAYLOAD.hex(), "id": sha(lp("coffer/1 segment", SEGMENT_PAYLOAD)).hex()},
    },
    "refused": refused,
}, indent=2, ensure_ascii=False))
