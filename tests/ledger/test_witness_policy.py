"""Witness policies: the format of c2sp.org/tlog-policy, and which witnesses make a quorum."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import Signer, Witness, WitnessPolicy, WitnessPolicyInvalid
from tests.ledger.witnesses import TestWitness

KEYS = {
    name: TestWitness(f"witness.example/{name}").public.vkey for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")
}
LOG = Signer.generate("log.example/lineament").verifier.vkey
# The example of the specification: two of three X and any of three Y.
EXAMPLE = f"""
log {LOG} https://log.example

# the X organisation
witness X1 {KEYS["X1"]}
witness\tX2   {KEYS["X2"]} https://x2.example/submit
  witness X3 {KEYS["X3"]}
group X-witnesses 2 X1 X2 X3
witness Y1 {KEYS["Y1"]}
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_example_of_the_specification() -> None:
    """Every set of the six witnesses is enough exactly when two X and one Y are in it."""
    policy = WitnessPolicy.parse(EXAMPLE.encode())
    assert [log.vkey for log in policy.logs] == [LOG]
    assert policy.urls == {"X2": "https://x2.example/submit"}
    every = chain.from_iterable(combinations(KEYS, number) for number in range(7))
    for names in every:
        enough = sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)
        assert policy.is_met(names) == enough, names


def test_no_quorum_is_always_met_and_one_witness_can_be_it() -> None:
    """The two plainest policies."""
    assert WitnessPolicy.parse(b"quorum none\n").is_met([])
    alone = WitnessPolicy.parse(f"witness X1 {KEYS['X1']}\nquorum X1\n".encode())
    assert alone.is_met(["X1"])
    assert not alone.is_met([])


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("", "no quorum line"),
        ("quorum none\nquorum none", "more than one quorum"),
        ("quorum X1", "no earlier line defines 'X1'"),
        (f"quorum X1\nwitness X1 {KEYS['X1']}", "no earlier line defines 'X1'"),
        ("witness X1 nonsense\nquorum X1", "Line 1 of the witness policy"),
        (f"witness X1 {LOG}\nquorum X1", "type 0x04"),
        (f"witness none {KEYS['X1']}\nquorum none", "'none' is taken"),
        (f"witness X1 {KEYS['X1']}\nwitness X1 {KEYS['X2']}\nquorum X1", "'X1' is taken"),
        (f"witness X1 {KEYS['X1']}\nwitness X2 {KEYS['X1']}\nquorum X1", "same public key"),
        (f"log {LOG}\nlog {LOG}\nquorum none", "same public key"),
        (f"witness X1 {KEYS['X1']}\ngroup g 2 X1\nquorum g", "2 of 1 members"),
        (f"witness X1 {KEYS['X1']}\ngroup g 0 X1\nquorum g", "not all, any or a number"),
        (f"witness X1 {KEYS['X1']}\ngroup g some X1\nquorum g", "not all, any or a number"),
        (f"witness X1 {KEYS['X1']}\ngroup g any X1 X1\nquorum g", "member of a group already"),
        (f"witness X1 {KEYS['X1']}\ngroup g any X1\ngroup h any X1\nquorum g", "member of a group already"),
        ("group g any none\nquorum g", "no earlier line defines 'none'"),
        ("group g any g\nquorum g", "no earlier line defines 'g'"),
        ("group g any\nquorum none", "no line of a witness policy"),
        ("allow everything\nquorum none", "'allow' with 1 words"),
        ("quorum none\r", "control character"),
        ("\n" * 1001, "more than 1000 lines"),
    ],
)
def test_a_wrong_line_is_named(lines: str, sentence: str) -> None:
    """What the specification forbids is refused."""
    with pytest.raises(WitnessPolicyInvalid, match=sentence):
        WitnessPolicy.parse(lines.encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_are_refused(data: bytes) -> None:
    """And nothing else happens."""
    with suppress(WitnessPolicyInvalid):
        WitnessPolicy.parse(data)


def test_a_log_is_not_its_own_witness() -> None:
    """One key under two names would vouch for itself."""
    signer = Signer.generate("log.example/lineament")
    witness = Witness("w.example/1", signer.verifier.public_key)
    for text in (
        f"log {signer.verifier.vkey}\nwitness w {witness.vkey}\nquorum w\n",
        f"witness w {witness.vkey}\nlog {signer.verifier.vkey}\nquorum w\n",
    ):
        with pytest.raises(WitnessPolicyInvalid, match="same public key"):
            WitnessPolicy.parse(text.encode())
    policy = WitnessPolicy.parse(f"witness w {witness.vkey}\nquorum w\n".encode())
    with pytest.raises(WitnessPolicyInvalid, match="cannot be trusted so"):
        policy.trust(signer.verifier)


def test_groups_may_stand_in_groups_as_deep_as_the_file_goes() -> None:
    """Each is looked at once."""
    lines = [f"witness w {KEYS['X1']}", "group g0 any w"]
    lines += [f"group g{number} any g{number - 1}" for number in range(1, 900)]
    policy = WitnessPolicy.parse("\n".join([*lines, "quorum g899", ""]).encode())
    assert policy.is_met(["w"])
    assert not policy.is_met([])
