"""PyPI's aics-witness on loopback: it cosigns our log as it grows, and refuses any other by its name."""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lineament import ledger
from lineament.ledger.note import Note
from tests.ledger.conftest import entries
from tests.ledger.witnesses import ANY


@dataclass(frozen=True)
class Running:
    """A witness that runs: its address and its public key."""

    url: str
    key: ledger.Witness


@pytest.fixture
def witness(witness_command: list[str], signer: ledger.Signer, tmp_path: Path) -> Iterator[Running]:
    """A real witness process that knows our log."""
    folder = tmp_path / "witness"
    folder.mkdir(mode=0o700)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = ["--config", str(folder / "witness.json")]

    def run(*arguments: str) -> str:
        done = subprocess.run([*witness_command, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    listen = ["--listen", f"127.0.0.1:{port}"]
    printed = run("init", *config, "--name", "witness.example/w1", *listen)
    vkey = next(word for word in printed.split() if word.startswith("witness.example/w1+"))
    run("add-log", *config, "--origin", signer.name, "--vkey", signer.verifier.vkey)
    process = subprocess.Popen([*witness_command, "serve", *config], stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:  # noqa: S310 - loopback
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.05)
        yield Running(url, ledger.Witness.from_vkey(vkey))
    finally:
        process.terminate()
        process.wait()


def cosigned(folder: Path, witness: Running, signer: ledger.Signer) -> bytes:
    note = (folder / "checkpoint").read_bytes()
    signatures = ledger.cosign(folder, note, signer.verifier, witness.key, witness.url)
    return ledger.keep_cosignatures(folder, note, signatures, signer, ANY)


def test_it_cosigns_our_log_at_every_size(witness: Running, signer: ledger.Signer, tmp_path: Path) -> None:
    """From the first entry on; and a check with its key in the policy passes."""
    folder = tmp_path / "log"
    for size in (1, 2, 2, 255, 256, 257, 600, 1_000):
        ledger.publish(folder, entries, size, signer)
        note = cosigned(folder, witness, signer)
        assert witness.key.cosigned_at(Note.parse(note))
    policy = ledger.WitnessPolicy.parse(
        f"log {signer.verifier.vkey}\nwitness w1 {witness.key.vkey} {witness.url}\nquorum w1\n".encode()
    )
    receipt = ledger.make_receipt(folder, next(entries(7, 8)), 7, note, signer.verifier)
    said: list[str] = []
    ledger.verify(receipt.data, policy, folder, ledger.Steps(said.append))
    assert "cosigned by w1" in said[1]
    ledger.fsck(folder, signer.verifier, None, ledger.Steps(said.append), policy)
    assert "cosigned by w1" in said[-1]


def test_it_refuses_a_log_that_was_rolled_back(
    witness: Running, signer: ledger.Signer, tmp_path: Path
) -> None:
    """The same beginning, and fewer entries than it has seen."""
    ledger.publish(tmp_path / "long", entries, 300, signer)
    cosigned(tmp_path / "long", witness, signer)
    ledger.publish(tmp_path / "short", entries, 200, signer)
    with pytest.raises(
        ledger.WitnessRefused, match="has cosigned 300 entries of this log; here are only 200"
    ):
        cosigned(tmp_path / "short", witness, signer)


@pytest.mark.parametrize("size", [400, 300])
def test_it_refuses_a_split_or_forked_log(
    witness: Running, signer: ledger.Signer, tmp_path: Path, size: int
) -> None:
    """Other entries under the same name and key: longer than what it has seen, or of the same size."""
    ledger.publish(tmp_path / "one", entries, 300, signer)
    cosigned(tmp_path / "one", witness, signer)

    def others(start: int, stop: int) -> Iterator[bytes]:
        return entries(start + 1, stop + 1)

    ledger.publish(tmp_path / "other", others, size, signer)
    with pytest.raises(ledger.WitnessRefused):
        cosigned(tmp_path / "other", witness, signer)
    assert cosigned(tmp_path / "one", witness, signer)  # the true one goes on


def test_it_refuses_a_log_that_it_does_not_know(witness: Running, tmp_path: Path) -> None:
    """By its origin, or under another key."""
    for name, why in (("log.example/other", "does not know"), ("log.example/lineament", "another key")):
        stranger = ledger.Signer.generate(name)
        ledger.publish(tmp_path / why, entries, 3, stranger)
        with pytest.raises(ledger.WitnessRefused, match=why):
            cosigned(tmp_path / why, witness, stranger)


def test_the_evidence_of_a_split_is_kept_by_the_witness(
    witness: Running, witness_command: list[str], signer: ledger.Signer, tmp_path: Path
) -> None:
    """What we asked it to sign can be held against us."""
    ledger.publish(tmp_path / "one", entries, 300, signer)
    cosigned(tmp_path / "one", witness, signer)
    ledger.publish(tmp_path / "other", lambda start, stop: entries(start + 1, stop + 1), 400, signer)
    with pytest.raises(ledger.WitnessRefused):
        cosigned(tmp_path / "other", witness, signer)
    command = [*witness_command, "evidence", "--config", str(tmp_path / "witness" / "witness.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert signer.name in json.dumps(json.loads(done.stdout))
