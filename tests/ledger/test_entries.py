"""Entries: one canonical spelling, a closed set of kinds, and no place for a person's name."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import KINDS, EntryInvalid, commitment, decode, encode

HEX = "0123456789abcdef" * 4
integers = st.integers(0, 2**53 - 1)
ids = st.from_regex(r"[0-9a-f]{16,64}", fullmatch=True)
commitments = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
digests = commitments.map("sha256:{}".format)
tokens = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
modes = st.sampled_from(["identification", "investigation"])
times = st.datetimes().map(lambda time: time.isoformat(timespec="milliseconds") + "Z")
in_case = st.fixed_dictionaries({"id": ids, "number": integers})
VALUES = {
    **{
        words: st.sampled_from(words.split(", "))
        for words in (
            "draft, given, narrowed, withdrawn",
            "in-force, narrowed, expired, gone",
            "person, grantor, curator, retention",
            "face, image, source, collection",
            "open, searching, under-review, closed, appealed",
            "staff, counsel, expert",
            "staff, counsel, expert, auditor",
            "not-supported, evidence, acted-on, set-aside, truth",
        )
    },
    "id": ids,
    "id or null": st.none() | ids,
    "list of id": st.lists(ids, max_size=3),
    "commitment": commitments,
    "commitment or null": st.none() | commitments,
    "digest": digests,
    "digest or null": st.none() | digests,
    "token": tokens,
    "token or null": st.none() | tokens,
    "release": st.sampled_from(["0.1.0", "1.2", "10.0.3rc1", "2026.11.22"]),
    "decimal or null": st.none() | st.from_regex(r"-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,6})?", fullmatch=True),
    "time": times,
    "time or null": st.none() | times,
    "integer": integers,
    "integer or null": st.none() | integers,
    "refused, failed, awaiting-face, candidates, empty": st.sampled_from(
        ["refused", "awaiting-face", "empty"]
    ),
    "identification, investigation or null": st.none() | modes,
    "list of commitment": st.lists(commitments, max_size=5),
    "{id: id, number: integer}": in_case,
    "{id: id, number: integer} or null": st.none() | in_case,
    "list of {id: id, revision: integer}": st.lists(
        st.fixed_dictionaries({"id": ids, "revision": integers}), max_size=3
    ),
}
valid = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.fixed_dictionaries({name: VALUES[type_.name] for name, type_ in KINDS[kind].items()}),
    )
)

SESSION = {"at": "2026-11-22T21:04:05.123Z", "who": HEX[:16]}
SEARCH = {
    "started": "2026-11-22T21:04:05.123Z",
    "ended": "2026-11-22T21:04:05.623Z",
    "who": HEX[:16],
    "search": HEX[:32],
    "outcome": "candidates",
    "code": None,
    "purpose": "own-archive",
    "case": {"id": HEX[:32], "number": 5},
    "obtained": "given-by-the-family",
    "edited_from": None,
    "policy": f"sha256:{HEX}",
    "contract": f"sha256:{HEX}",
    "mode": "identification",
    "threshold": "0.4512",
    "limit": 20,
    "collections": [{"id": HEX[:16], "revision": 3}],
    "probes": [HEX],
    "candidates": [HEX, HEX],
}


def test_an_entry_is_one_line_that_anyone_can_read() -> None:
    """The bytes of an entry are this JSON, keys in order, without a space."""
    assert encode("session.opened", **SESSION) == (
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":1,"who":"0123456789abcdef"}'
    )
    assert decode(encode("search", **SEARCH)) == {"v": 1, "kind": "search", **SEARCH}


@given(valid)
def test_canonical_form_is_that_of_rfc_8785(entry: tuple[str, dict[str, object]]) -> None:
    """For entries of every kind the bytes equal an independent library's, and decode to the same fields."""
    kind, fields = entry
    data = encode(kind, **fields)
    assert data == rfc8785.dumps({"v": 1, "kind": kind, **fields})
    assert decode(data) == {"v": 1, "kind": kind, **fields}


@given(entry=valid, value=st.text() | st.floats() | st.booleans() | st.binary() | st.just({}) | st.just([0]))
def test_no_field_takes_free_text_or_a_number_that_is_not_whole(
    entry: tuple[str, dict[str, object]], value: object
) -> None:
    """Whatever else is put into any field is refused, and the field is named."""
    kind, fields = entry
    for name in fields:
        if not KINDS[kind][name].holds(value):
            with pytest.raises(EntryInvalid, match=f"{kind}: the field '{name}'"):
                encode(kind, **{**fields, name: value})


@pytest.mark.parametrize(
    "value", ["Jane Doe", "jane doe", "Jane", "jane@example.org", "0041 44 123 45 67", "", "é"]
)
def test_a_persons_name_has_no_field_to_go_into(value: str) -> None:
    """Names, addresses, telephone numbers and remarks are refused by every field that takes a string."""
    for name in SEARCH:
        with pytest.raises(EntryInvalid, match=f"'{name}'"):
            encode("search", **{**SEARCH, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("who", HEX[:15]),
        ("who", HEX + "0"),
        ("who", HEX[:16].upper()),
        ("who", HEX[:16] + "\n"),
        ("probes", [HEX[:63]]),
        ("policy", HEX),
        ("purpose", "x" * 41),
        ("purpose", "2nd"),
        ("outcome", "matched"),
        ("mode", "watch-list"),
        ("limit", -1),
        ("limit", 2**53),
        ("limit", True),
        ("limit", 1.0),
        ("limit", "1"),
        ("threshold", 0.4512),
        ("threshold", ".5"),
        ("threshold", "1e3"),
        ("threshold", "nan"),
        ("threshold", "00.5"),
        ("threshold", "0.1234567"),
        ("candidates", [HEX, None]),
        ("candidates", (HEX,)),
        ("candidates", None),
        ("collections", [{"id": HEX[:16]}]),
        ("collections", [{"id": HEX[:16], "revision": 3, "name": "x"}]),
        ("collections", [{"id": HEX[:16], "revision": 3, "name": "x", 1: "x"}]),
        ("collections", [HEX[:16]]),
        ("case", HEX),
        ("case", {"id": HEX[:32]}),
        ("case", {"id": HEX[:32], "number": -1}),
        ("case", {"id": HEX[:32], "number": 5, "reference": "2026/17"}),
        ("obtained", "given by his mother"),
    ],
)
def test_a_value_just_beside_its_type_is_refused(name: str, value: object) -> None:
    """The error names the field and does not repeat the value, which may be personal."""
    with pytest.raises(EntryInvalid, match=f"search: the field '{name}' is not of the type"):
        encode("search", **{**SEARCH, name: value})


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-22T21:04:05Z",
        "2026-11-22T21:04:05.12Z",
        "2026-11-22T21:04:05.123456Z",
        "2026-11-22T21:04:05.123+00:00",
        "2026-11-22 21:04:05.123Z",
        "2026-11-22T21:04:05,123Z",
        "2026-02-30T21:04:05.123Z",
        "2026-11-22T24:00:00.000Z",
        "2026-11-22T21:04:60.000Z",
        "20261122--T21:04:05.123Z",
        "2026-W47-7T21:04:05.123Z",
        "2026-11-22T21:04:05.123z",
        "\u0662026-11-22T21:04:05.123Z",
        1795381445,
    ],
)
def test_a_time_has_one_spelling_and_exists(time: object) -> None:
    """UTC with three decimals; other spellings and the 30th of February are refused."""
    with pytest.raises(EntryInvalid, match="'at'"):
        encode("session.opened", **{**SESSION, "at": time})


def test_a_kind_has_exactly_its_fields() -> None:
    """Unknown kinds, missing and additional fields are refused by name."""
    with pytest.raises(EntryInvalid, match="kind"):
        encode("session.closed", **SESSION)
    with pytest.raises(EntryInvalid, match="'who' is missing"):
        encode("session.opened", at=SESSION["at"])
    for extra in ("name", "v", "kind"):
        with pytest.raises(EntryInvalid, match=f"no field '{extra}'"):
            encode("session.opened", **{**SESSION, extra: "x"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"kind":7}',
        b'{"kind":["search"]}',
        b"[" * 60_000,
        b"9" * 5_000,
        b" " * 65_536,
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":2,"who":"0123456789abcdef"}',
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","who":"0123456789abcdef"}',
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":1.0,"who":"0123456789abcdef"}',
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":true,"who":"0123456789abcdef"}',
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","who":"0123456789abcdef","v":1}',
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":1,"v":1,"who":"0123456789abcdef"}',
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":1,"who":"\\u0030123456789abcdef"}',
        b'{"at":"2026-11-22T21:04:05.123Z", "kind":"session.opened","v":1,"who":"0123456789abcdef"}',
        b'{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":1,"who":"0123456789abcdef"}\n',
        b'\xef\xbb\xbf{"at":"2026-11-22T21:04:05.123Z","kind":"session.opened","v":1,"who":"0123456789abcdef"}',
    ],
)
def test_bytes_that_this_module_would_not_write_are_not_read(data: bytes) -> None:
    """Another order, a space, a doubled key, an escape, another version: each would be a second spelling."""
    with pytest.raises(EntryInvalid):
        decode(data)


@given(data=st.data(), entry=valid)
def test_a_changed_entry_is_refused_or_is_itself_canonical(
    data: st.DataObject, entry: tuple[str, dict[str, object]]
) -> None:
    """One byte changed anywhere raises the one error, or gives another entry that is just as canonical."""
    encoded = bytearray(encode(entry[0], **entry[1]))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    try:
        value = decode(bytes(encoded))
    except EntryInvalid:
        return
    assert rfc8785.dumps(value) == encoded


def test_an_entry_has_at_most_65535_bytes() -> None:
    """A search with 900 candidates fits the log; one with a thousand is refused before it is written."""
    assert len(encode("search", **{**SEARCH, "candidates": [HEX] * 900})) < 65_536
    with pytest.raises(EntryInvalid, match="65535 are the most"):
        encode("search", **{**SEARCH, "candidates": [HEX] * 1000})


def test_a_commitment_is_hmac_sha256_under_its_salt() -> None:
    """RFC 4231, test case 1; another salt gives another commitment; a short salt is refused."""
    salt = b"\x0b" * 20
    known = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert commitment(salt, b"Hi There") == known
    assert commitment(salt + b"x", b"Hi There") != known
    with pytest.raises(EntryInvalid, match="at least 16 bytes"):
        commitment(b"x" * 15, b"Hi There")
