"""docs/reference/ledger.md is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lineament.ledger import KINDS, LedgerError, WitnessPolicy, decode

SOURCE = Path(__file__).parents[2] / "src" / "lineament"
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")


def test_the_table_of_kinds_and_fields_is_the_one_in_the_code() -> None:
    """Every kind, field and type, in the same order; nothing is documented that is not there."""
    rows = re.findall(r"^\| `([a-z.-]+)` \| `([a-z_]+)` \| (.+) \|$", PAGE, re.MULTILINE)
    code = [(kind, field, type_.name) for kind, fields in KINDS.items() for field, type_ in fields.items()]
    assert rows == code


def test_each_type_in_the_table_is_explained() -> None:
    """The plain types have a line of their own, and no other has."""
    names = {type_.name for fields in KINDS.values() for type_ in fields.values()}
    plain = {name.removesuffix(" or null") for name in names if " " not in name.removesuffix(" or null")}
    assert set(re.findall(r"^- \*\*([a-z]+)\*\*: ", PAGE, re.MULTILINE)) == plain


def test_the_table_of_errors_is_the_one_in_the_code() -> None:
    """Names and codes of all errors, in the order of the alphabet."""
    rows = re.findall(r"^\| `([A-Za-z]+)` \| `(ledger-[a-z-]+)` \|$", PAGE, re.MULTILINE)
    assert rows == sorted((leaf.__name__, leaf.code) for leaf in LedgerError.__subclasses__())


def test_the_example_is_an_entry() -> None:
    """The JSON that the page shows decodes."""
    example = re.search(r"```json\n(.+)\n```", PAGE)
    assert example
    assert decode(example[1].encode()) == json.loads(example[1])


def test_the_example_of_a_witness_policy_is_one() -> None:
    """It parses, and one of its two witnesses is enough."""
    example = re.search(r"```\n(witness .+?)```", PAGE, re.DOTALL)
    assert example
    policy = WitnessPolicy.parse(example[1].encode())
    assert list(policy.urls) == list(policy.witnesses) == ["archive-nl", "press"]
    assert policy.is_met(["press"])
    assert not policy.is_met([])


def test_the_kinds_that_are_never_written_are_named() -> None:
    """The page says for which kinds there is no act yet, and it is right."""
    source = "".join(path.read_text("utf-8") for path in (SOURCE / "app").rglob("*.py"))
    written = {kind for kind in KINDS if f'"{kind}"' in source}
    sentence = re.search(r"no entry of theirs is written:\n(.+)\.\n", PAGE)
    assert sentence
    assert set(re.findall(r"`([a-z.-]+)`", sentence[1])) == KINDS.keys() - written
