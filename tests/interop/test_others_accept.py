"""A thousand logs of random sizes, given to three tools that nobody here wrote; and lies, refused by all."""

import json
import random
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from lineament.ledger import Checkpoint, Signer, prove_consistency, prove_inclusion, publish
from tests.interop.conftest import Check
from tests.ledger.conftest import entries

SIZES = 1_000
LARGEST = 20_000
Claim = dict[str, Any]


def encoded(hashes: list[bytes]) -> list[str]:
    return [b64encode(one).decode() for one in hashes]


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> list[Claim]:
    """Checkpoint, inclusion and consistency at each size of one growing log; the last with its tiles."""
    choose, folder = random.Random(20261125), tmp_path_factory.mktemp("log")
    sizes = sorted({*choose.sample(range(2, LARGEST), SIZES), 1, 255, 256, 257, 512})
    roots, made = dict[int, bytes](), list[Claim]()
    for size in sizes:
        head = publish(folder, entries, size, signer)
        roots[size] = head.root
        index, earlier = choose.randrange(size), choose.choice(list(roots))
        made.append(
            {
                "vkey": signer.verifier.vkey,
                "checkpoint": (folder / "checkpoint").read_text("utf-8"),
                "size": size,
                "root": b64encode(head.root).decode(),
                "index": index,
                "entry": b64encode(next(entries(index, index + 1))).decode(),
                "inclusion": encoded(prove_inclusion(folder, index, size)),
                "earlier": earlier,
                "earlier_root": b64encode(roots[earlier]).decode(),
                "consistency": encoded(prove_consistency(folder, earlier, size)),
                "folder": "",
            }
        )
    made[-1]["folder"] = str(folder)
    return made


def written(folder: Path, claims: list[Claim]) -> Path:
    file = folder / "claims.jsonl"
    file.write_text("".join(json.dumps(claim) + "\n" for claim in claims), "utf-8")
    return file


def test_three_tools_accept_every_checkpoint_and_proof(
    claims: list[Claim], aics: Check, metamorphic: Check, go: Check, tmp_path: Path
) -> None:
    """All of them, and the tiles of the last size by the one that reads tiles."""
    file = written(tmp_path, claims)
    every = {"checkpoints": len(claims), "inclusions": len(claims), "consistencies": len(claims)}
    assert len(claims) >= SIZES
    assert aics(file) == every | {"tile roots": 1}
    assert metamorphic(file) == every
    assert go(file) == every


def test_three_tools_refuse_every_lie(
    claims: list[Claim], aics: Check, metamorphic: Check, go: Check, signer: Signer, tmp_path: Path
) -> None:
    """So that their yes means something: another root, entry or number, and a stranger's signature."""

    def lie(claim: Claim) -> Claim:
        stranger = Signer.generate(signer.name)
        root = bytes([b64decode(claim["root"])[0] ^ 1]) + b64decode(claim["root"])[1:]
        note = Checkpoint(signer.name, claim["size"], root).sign(stranger).decode()
        return claim | {
            "checkpoint": note,
            "root": b64encode(root).decode(),
            "entry": b64encode(b"another").decode(),
            "folder": "",
        }

    lies = [lie(claim) for claim in claims if claim["earlier"] != claim["size"]][:200]
    file = written(tmp_path, lies)
    nothing = {"checkpoints": 0, "inclusions": 0, "consistencies": 0}
    assert aics(file) == nothing | {"tile roots": 0}
    assert metamorphic(file) == nothing
    assert go(file) == nothing
