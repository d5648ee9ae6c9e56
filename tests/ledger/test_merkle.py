"""The Merkle tree: known answers, the RFC's definitions as an oracle, and proofs that cannot be bent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import ProofInvalid, leaf_hash, verify_consistency, verify_inclusion
from lineament.ledger.merkle import consistency_proof, inclusion_proof, node_hash, over, root

# The test tree of the Certificate Transparency reference implementation.
CT_LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(300)]


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 2.1, word for word: split at the largest power of two smaller than n."""
    if len(leaves) == 1:
        return leaves[0]
    k = max(2**i for i in range(10) if 2**i < len(leaves))
    return node_hash(mth(leaves[:k]), mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = max(2**i for i in range(10) if 2**i < len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], known: bool) -> list[bytes]:
    """RFC 6962 2.1.2, word for word."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = max(2**i for i in range(10) if 2**i < len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def test_roots_are_those_that_every_other_implementation_knows() -> None:
    """The empty tree and the eight of the reference implementation have the published roots."""
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES]
    assert [root(leaves[:size]).hex() for size in range(9)] == CT_ROOTS


@pytest.mark.parametrize("size", [*range(1, 34), 255, 256, 257, 300])
def test_roots_and_inclusion_proofs_are_those_of_the_definition(size: int) -> None:
    """What is computed step by step equals the RFC's recursive definition, for every leaf."""
    leaves = LEAVES[:size]
    assert root(leaves) == mth(leaves)
    for index in range(0, size, 1 if size < 34 else 17):
        assert inclusion_proof(index, size, over(leaves)) == path(index, leaves)


def test_each_smaller_log_is_the_beginning_of_each_larger_one() -> None:
    """For all pairs of sizes up to 33 the consistency proof is the RFC's and verifies."""
    for first, second in combinations_with_replacement(range(1, 34), 2):
        proof = consistency_proof(first, second, over(LEAVES[:second]))
        assert proof == subproof(first, LEAVES[:second], True)
        verify_consistency(first, second, proof, root(LEAVES[:first]), root(LEAVES[:second]))


@given(data=st.data(), size=st.integers(1, 300))
def test_an_inclusion_proof_holds_for_its_own_leaf_and_nothing_else(data: st.DataObject, size: int) -> None:
    """Another leaf, place, root, or any change to the proof is refused."""
    index = data.draw(st.integers(0, size - 1))
    leaf, proof, head = LEAVES[index], inclusion_proof(index, size, over(LEAVES[:size])), root(LEAVES[:size])
    verify_inclusion(leaf, index, size, proof, head)

    other = data.draw(st.integers(0, 2 * size).filter(lambda number: number != index))
    forged = [
        (leaf_hash(b"other"), index, size, proof, head),
        (leaf, other, size, proof, head),
        (leaf, -1, size, proof, head),
        (leaf, index, size, proof, leaf_hash(b"other")),
        (leaf, index, size, [*proof, leaf], head),
        *((leaf, index, size, changed, head) for changed in bent(data, proof)),
    ]
    for claim in forged:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*claim)


@given(data=st.data(), second=st.integers(2, 300))
def test_a_consistency_proof_holds_for_its_two_logs_and_nothing_else(
    data: st.DataObject, second: int
) -> None:
    """A log that was rewritten before the first checkpoint, or any change to the proof, is refused."""
    first = data.draw(st.integers(1, second - 1))
    proof = consistency_proof(first, second, over(LEAVES[:second]))
    old, new = root(LEAVES[:first]), root(LEAVES[:second])
    verify_consistency(first, second, proof, old, new)

    at = data.draw(st.integers(0, first - 1))
    rewritten = [*LEAVES[:at], leaf_hash(b"other"), *LEAVES[at + 1 : second]]
    forged = [
        (first, second, consistency_proof(first, second, over(rewritten)), old, root(rewritten)),
        (first, second, proof, new, old),
        (first, second, [], old, new),
        (second, first, proof, new, old),
        (first, second, [*proof, old], old, new),
        *((first, second, changed, old, new) for changed in bent(data, proof)),
    ]
    for claim in forged:
        with pytest.raises(ProofInvalid):
            verify_consistency(*claim)


def test_a_proof_is_as_long_as_its_sizes_ask_for() -> None:
    """Hashes that lead to the root by a shorter or longer way than the size allows prove nothing."""
    four, pair = root(LEAVES[:4]), root(LEAVES[:2])
    for index, size in [(0, 16), (0, 2), (0, 1)]:
        with pytest.raises(ProofInvalid):
            verify_inclusion(LEAVES[0], index, size, inclusion_proof(0, 4, over(LEAVES[:4])), four)
    with pytest.raises(ProofInvalid, match="too long"):
        verify_inclusion(LEAVES[1], 0, 1, [LEAVES[0]], pair)
    proof = consistency_proof(2, 4, over(LEAVES[:4]))
    verify_consistency(2, 4, proof, pair, four)
    with pytest.raises(ProofInvalid):
        verify_consistency(2, 16, proof, pair, four)


def bent(data: st.DataObject, proof: list[bytes]) -> list[list[bytes]]:
    """Return the proof with one hash changed, and with one left out."""
    if not proof:
        return []
    at = data.draw(st.integers(0, len(proof) - 1))
    return [[*proof[:at], bytes(32), *proof[at + 1 :]], [*proof[:at], *proof[at + 1 :]]]


def test_an_empty_and_an_equal_log_need_no_proof_and_allow_none() -> None:
    """From nothing to anything and from a log to itself there is nothing to prove; a proof is refused."""
    empty, three = root([]), root(LEAVES[:3])
    assert consistency_proof(0, 3, over(LEAVES)) == consistency_proof(3, 3, over(LEAVES)) == []
    verify_consistency(0, 0, [], empty, empty)
    verify_consistency(0, 3, [], empty, three)
    verify_consistency(3, 3, [], three, three)
    for claim in [
        (0, 3, [three], empty, three),
        (0, 3, [], three, three),
        (3, 3, [three], three, three),
        (3, 3, [], three, empty),
        (0, 0, [], empty, three),
        (-1, 3, [], empty, three),
    ]:
        with pytest.raises(ProofInvalid):
            verify_consistency(*claim)


def test_proofs_beyond_the_log_are_not_made() -> None:
    """Asking about an entry or a size that is not there says so."""
    for index, size in [(3, 3), (-1, 3), (0, 0)]:
        with pytest.raises(ProofInvalid, match="There is no entry"):
            inclusion_proof(index, size, over(LEAVES))
    for first, second in [(4, 3), (-1, 3)]:
        with pytest.raises(ProofInvalid, match="does not go on"):
            consistency_proof(first, second, over(LEAVES))
