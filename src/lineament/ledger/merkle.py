"""The Merkle tree of RFC 6962 over SHA-256: hashes, roots, and proofs made and verified.

A hash is 32 bytes. A tree is known by its size (number of leaves) and root; a proof is a list of hashes.
Proofs are made from a *subtree* function that gives MTH(D[start:stop]), so the same code serves a list in
memory (``over``) and tiles on disk (``tiles.subtrees``). Verifying needs the proof alone, returns None, and
raises ``ProofInvalid``. Algorithms: RFC 9162 sections 2.1.1 to 2.1.4, which keep RFC 6962's tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from .errors import ProofInvalid

HASH_SIZE = 32  # bytes of a SHA-256 digest
EMPTY_ROOT = sha256(b"").digest()  # RFC 6962 2.1: the hash of an empty list

Subtree = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the 32-byte hash of one entry, of any length: SHA-256(0x00 || entry), RFC 6962 2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of two 32-byte children: SHA-256(0x01 || left || right), RFC 6962 2.1."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the 32-byte root over leaf hashes (32 bytes each); none give the empty tree's root.

    Hashing pairs level by level and carrying an odd last one up gives the same tree as RFC 6962's split at
    the largest power of two.
    """
    level = list(leaves) or [EMPTY_ROOT]
    while len(level) > 1:
        pairs = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[2 * len(pairs) :]
    return level[0]


def over(leaves: Sequence[bytes]) -> Subtree:
    """Return the subtree function of a list of leaf hashes (32 bytes each)."""
    return lambda start, stop: root(leaves[start:stop])


def split(count: int) -> int:
    """Return k, the largest power of two smaller than ``count`` (at least 2), RFC 6962 2.1."""
    return 1 << (count - 1).bit_length() - 1


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Prove that leaf ``index`` is in the tree of ``size`` leaves: PATH(index, D[size]), RFC 9162 2.1.3.1.

    Returns at most 64 hashes, from the leaf upwards. Raises ``ProofInvalid`` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"There is no entry {index} in a log of {size}.")
    start, stop, path = 0, size, list[bytes]()
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_proof(first: int, second: int, subtree: Subtree) -> list[bytes]:
    """Prove that the tree of ``second`` leaves begins with that of ``first``: PROOF, RFC 9162 2.1.4.1.

    Returns at most 65 hashes; none when ``first`` is 0 or equals ``second``, where there is nothing to prove.
    Raises ``ProofInvalid`` unless 0 <= first <= second.
    """
    if not 0 <= first <= second:
        raise ProofInvalid(f"A log of {second} entries does not go on from one of {first}.")
    if first == 0:
        return []
    start, stop, path = 0, second, list[bytes]()
    while stop != first:  # SUBPROOF: D[start:first] is not yet a whole subtree
        middle = start + split(stop - start)
        if first <= middle:
            path.append(subtree(middle, stop))
            stop = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    if start:  # from 0 on, the verifier holds MTH(D[0:first]) already
        path.append(subtree(start, stop))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """Check that the leaf hash ``leaf`` is number ``index`` of the tree (``size``, ``root_hash``).

    All hashes are 32 bytes. Raises ``ProofInvalid``. The numbers are the steps of RFC 9162 2.1.3.2.
    """
    # 1. The index lies in the tree.
    if not 0 <= index < size:
        raise ProofInvalid(f"There is no entry {index} in a log of {size}.")
    # 2. and 3. Start at the leaf.
    fn, sn, r = index, size - 1, leaf
    # 4. Hash upwards.
    for p in proof:
        # 4.a
        if sn == 0:
            raise ProofInvalid("The inclusion proof is too long.")
        # 4.b
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        # 4.c
        fn, sn = fn >> 1, sn >> 1
    # 5. The whole tree was climbed, and this is its root.
    if sn != 0 or r != root_hash:
        raise ProofInvalid(f"The proof does not lead from entry {index} to the root of {size} entries.")


def verify_consistency(
    first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes
) -> None:
    """Check that the tree (``second``, ``second_root``) begins with the tree (``first``, ``first_root``).

    All hashes are 32 bytes. Raises ``ProofInvalid``. The numbers are the steps of RFC 9162 2.1.4.2, which is
    defined for 0 < first < second; an empty and an equal tree need no proof and allow none.
    """
    failed = ProofInvalid(f"The log of {second} entries does not go on from the log of {first}.")
    if not 0 <= first <= second:
        raise failed
    if first in {0, second}:
        if proof or first_root != (second_root if first == second else EMPTY_ROOT):
            raise failed
        return
    # 1. Something is proved.
    if not proof:
        raise failed
    # 2. A whole subtree is its own first hash.
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    # 3. and 4. Start at the last leaf of the first tree, at the top of the whole subtree that it ends.
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # 5.
    fr = sr = path[0]
    # 6. Hash upwards in both trees.
    for c in path[1:]:
        # 6.a
        if sn == 0:
            raise failed
        # 6.b
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        # 6.c
        fn, sn = fn >> 1, sn >> 1
    # 7. Both roots come out, at the top.
    if fr != first_root or sr != second_root or sn != 0:
        raise failed
