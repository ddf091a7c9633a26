"""Does our witness do for a log of somebody else what its specification says?

The log, its tree, its proofs and the check of the cosignature are written here from RFC 6962 and the C2SP specifications, on
Python's `cryptography`; nothing of ours is on this side.
"""

import base64
import hashlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("COUNTERSIGN", str(ROOT / "target" / "debug" / "countersign"))


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return sha(name.encode(), b"\n", bytes([kind]), public)[:4]


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return sha(b"\0", leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", root(leaves[:half]), root(leaves[half:]))


def consistency(old: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """RFC 6962, section 2.1.2: SUBPROOF."""
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return [*consistency(old, leaves[:half], whole), root(leaves[half:])]
    return [*consistency(old - half, leaves[half:], False), root(leaves[:half])]


class Log:
    """A log of numbered leaves."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(origin, 1, self.public)
        self.vkey = f"{origin}+{self.id.hex()}+{b64(bytes([1]) + self.public)}"

    def text(self, leaves: list[bytes]) -> str:
        return f"{self.origin}\n{len(leaves)}\n{b64(root(leaves))}\n"

    def request(self, old: int, leaves: list[bytes]) -> str:
        text = self.text(leaves)
        line = f"\u2014 {self.origin} {b64(self.id + self.key.sign(text.encode()))}\n"
        proof = consistency(old, leaves) if 0 < old <= len(leaves) else []
        return f"old {old}\n" + "".join(f"{b64(node)}\n" for node in proof) + f"\n{text}\n{line}"


def numbered(count: int, fork_at: int | None = None) -> list[bytes]:
    return [f"{at}{'!' if fork_at is not None and at >= fork_at else ''}".encode() for at in range(count)]


class Witness:
    """A running `countersign witness`."""

    def __init__(self, state: Path, *logs: Log) -> None:
        self.command = [BINARY, "witness", "--state", str(state), "--listen", "127.0.0.1:0", "--name", "witness.test"]
        self.command += [word for log in logs for word in ("--log", log.vkey)]
        self.program = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        assert self.program.stdout
        said = dict(self.program.stdout.readline().split(maxsplit=1) for _ in range(2 + len(logs)))
        self.url = f"{said['witness'].strip()}/add-checkpoint"
        self.vkey = said["key"].strip()

    def add(self, request: str) -> requests.Response:
        return requests.post(self.url, data=request.encode(), timeout=10)

    def kill(self) -> None:
        self.program.send_signal(signal.SIGKILL)
        self.program.wait(timeout=10)


def verify(vkey: str, text: str, answer: str) -> int:
    """The time of the cosignature, of tlog-cosignature, which is the only line of the answer."""
    name, hex_id, encoded = vkey.split("+", 2)
    key = base64.b64decode(encoded)
    assert key[0] == 4 and bytes.fromhex(hex_id) == key_id(name, 4, key[1:])
    dash, signer, signature = answer.removesuffix("\n").split(" ")
    blob = base64.b64decode(signature)
    assert (dash, signer, blob[:4].hex(), len(blob)) == ("\u2014", name, hex_id, 4 + 8 + 64)
    seconds = int.from_bytes(blob[4:12], "big")
    message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(blob[12:], message)
    return seconds


@pytest.fixture
def log() -> Log:
    return Log("python.example/log")


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> Iterator[Witness]:
    witness = Witness(tmp_path / "state", log)
    yield witness
    witness.kill()


def test_a_growing_log_is_cosigned_and_the_cosignatures_hold(witness: Witness, log: Log) -> None:
    old = 0
    for size in [1, 2, 3, 7, 8, 9, 255, 256, 257, 1000, 1000]:
        answer = witness.add(log.request(old, numbered(size)))
        assert answer.status_code == 200, answer.text
        answer.encoding = "utf-8"
        assert verify(witness.vkey, log.text(numbered(size)), answer.text) > 1_700_000_000
        with pytest.raises(InvalidSignature):
            verify(witness.vkey, log.text(numbered(size + 1)), answer.text)
        old = size


def test_what_does_not_continue_is_refused(witness: Witness, log: Log) -> None:
    assert witness.add(log.request(0, numbered(5))).status_code == 200
    stranger = Log(log.origin)
    for what, request, status in [
        ("another size", log.request(4, numbered(9)), 409),
        ("an older head", log.request(3, numbered(3)), 409),
        ("a fork", log.request(5, numbered(9, fork_at=2)), 422),
        ("a fork of the same size", log.request(5, numbered(5, fork_at=4)), 422),
        ("another key", stranger.request(5, numbered(9)), 403),
        ("another log", Log("other.example/log").request(0, numbered(5)), 404),
        ("more than there is", log.request(6, numbered(5)), 400),
        ("nonsense", "nonsense", 400),
    ]:
        answer = witness.add(request)
        assert answer.status_code == status, f"{what}: {answer.status_code} {answer.text}"
        if status == 409:
            assert (answer.headers["content-type"], answer.text) == ("text/x.tlog.size", "5\n")
    assert witness.add(log.request(5, numbered(9))).status_code == 200


def test_a_killed_witness_remembers_and_keeps_its_key(witness: Witness, log: Log, tmp_path: Path) -> None:
    assert witness.add(log.request(0, numbered(300))).status_code == 200
    second = subprocess.run(witness.command, capture_output=True, text=True, timeout=10, check=False)
    assert second.returncode == 1 and "another witness uses the folder" in second.stderr
    witness.kill()
    again = Witness(tmp_path / "state", log)
    try:
        assert again.vkey == witness.vkey
        assert again.add(log.request(0, numbered(300, fork_at=7))).status_code == 409
        assert again.add(log.request(300, numbered(301, fork_at=7))).status_code == 422
        assert again.add(log.request(300, numbered(301))).status_code == 200
    finally:
        again.kill()


def test_a_damaged_state_is_told_at_the_start(witness: Witness, log: Log, tmp_path: Path) -> None:
    assert witness.add(log.request(0, numbered(5))).status_code == 200
    (kept,) = (tmp_path / "state").glob("*.checkpoint")
    kept.write_text(kept.read_text().replace("\n5\n", "\n4\n"))
    assert witness.add(log.request(5, numbered(9))).status_code == 500
    witness.kill()
    refused = subprocess.run(witness.command, capture_output=True, text=True, timeout=10, check=False)
    assert refused.returncode == 1 and "is not the latest checkpoint" in refused.stderr
