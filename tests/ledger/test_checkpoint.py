"""Checkpoints: three lines, no more, signed by the key that bears the log's name."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import Checkpoint, CheckpointInvalid, NoteInvalid, Signer

# The text of the example in c2sp.org/tlog-checkpoint.
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
EXAMPLE = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"


def test_the_example_of_the_specification_reads_and_writes_back() -> None:
    """Origin, size and root come out of the specification's text, and the same text from them."""
    checkpoint = Checkpoint.from_text(EXAMPLE)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.text() == EXAMPLE


@given(size=st.integers(0, 10**18 - 1), root=st.binary(min_size=32, max_size=32))
def test_a_signed_checkpoint_opens_to_itself(size: int, root: bytes) -> None:
    """What the log's key signed, its verifier opens to the same origin, size and root."""
    signer = Signer.from_private_bytes("log.example/a", bytes(32))
    checkpoint = Checkpoint("log.example/a", size, root)
    assert Checkpoint.open(checkpoint.sign(signer), signer.verifier) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{EXAMPLE}extension\n",
        f"{EXAMPLE}\n",
        EXAMPLE[:-1],
        f"\n1\n{ROOT}\n",
        f"a\n01\n{ROOT}\n",
        f"a\n-1\n{ROOT}\n",
        f"a\n+1\n{ROOT}\n",
        f"a\n 1\n{ROOT}\n",
        f"a\n1.0\n{ROOT}\n",
        f"a\n\u0661\n{ROOT}\n",
        f"a\n{10**18}\n{ROOT}\n",
        f"a\n1\n{ROOT[:-1]}\n",
        f"a\n1\n{ROOT.replace('2I=', '2J=')}\n",
        f"a\n1\n{'A' * 44}\n",
        f"a\n1\n{'=' * 44}\n",
        f"a\r\n1\r\n{ROOT}\r\n",
    ],
)
def test_anything_but_the_three_lines_is_refused(text: str) -> None:
    """Extension lines, other spellings of a number, and roots of other lengths are not read."""
    with pytest.raises(CheckpointInvalid):
        Checkpoint.from_text(text)


@given(
    st.text()
    | st.tuples(
        st.sampled_from(["a", "", " ", "é", "a\n"]),
        st.integers().map(str) | st.sampled_from(["00", "1_0", "1 ", ""]),
        st.binary(min_size=31, max_size=33).map(lambda root: base64.b64encode(root).decode()),
        st.sampled_from(["", "\n", "x\n"]),
    ).map("\n".join)
)
def test_any_text_reads_back_or_raises_from_the_tree(text: str) -> None:
    """There is one spelling of each checkpoint."""
    try:
        checkpoint = Checkpoint.from_text(text)
    except CheckpointInvalid:
        return
    assert checkpoint.text() == text


def test_one_key_speaks_for_one_log() -> None:
    """A checkpoint of another log is neither signed nor accepted, though the signature be good."""
    signer = Signer.generate("log.example/a")
    with pytest.raises(CheckpointInvalid, match="but the key is that of"):
        Checkpoint("log.example/b", 0, bytes(32)).sign(signer)
    foreign = signer.sign(f"log.example/b\n1\n{ROOT}\n")
    with pytest.raises(CheckpointInvalid, match="but the key is that of"):
        Checkpoint.open(foreign, signer.verifier)
    with pytest.raises(NoteInvalid):
        Checkpoint.open(foreign, Signer.generate("log.example/b").verifier)


@pytest.mark.parametrize(
    ("size", "root"), [(-1, bytes(32)), (10**18, bytes(32)), (1, bytes(31)), (1, bytes(33))]
)
def test_a_checkpoint_that_would_not_read_back_is_not_written(size: int, root: bytes) -> None:
    """Size and root are held to the form before anything is signed."""
    signer = Signer.generate("a")
    with pytest.raises(CheckpointInvalid):
        Checkpoint("a", size, root).sign(signer)
