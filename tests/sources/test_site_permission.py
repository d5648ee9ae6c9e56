"""The file by which a site's owner permits face search says yes in one way, and no in every other."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lineament.errors import AddressRefused, SitePermissionMissing
from lineament.sources.site_permission import (
    EXPIRES_WITHIN,
    FILE_BYTES_MAX,
    LINES_MAX,
    SitePermission,
    Standing,
    check,
    parse_site_permission,
)
from lineament.sources.web_address import normal_path
from lineament.testing import NOON
from tests.samples import REPOSITORY
from tests.sources.internet import MUSEUM, OPERATOR, OTHER, PURPOSE, permission


def parse(text: str, now: datetime = NOON) -> SitePermission:
    return parse_site_permission(text.encode(), MUSEUM, now)


def test_a_good_file_is_read_whole():
    """Field names in any case, comments, repeated fields, Windows line ends, and fields of the future."""
    text = permission(Scope="/photos", Notice="https://museum.example.org/notice")
    more = "OPERATOR :  second.example.com \nscope: /iiif/\nColour: blue\n"
    text = f"\ufeff# Who may search faces here\n\n{text}{more}"
    found = parse(text.replace("\n", "\r\n"))
    assert found.operators == (OPERATOR, "second.example.com")
    assert found.scopes == ("/photos", "/iiif/")
    assert found.purposes == (PURPOSE, "family-reunion")
    assert found.contacts == ("mailto:rights@museum.example.org",)
    assert (found.grantor, found.notice) == ("The Museum", "https://museum.example.org/notice")
    assert found.expires == datetime(2027, 1, 31, tzinfo=UTC)
    assert found.digest == sha256(found.data).hexdigest()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        *[
            (permission(**{name: None}), f"no {name}")
            for name in ("Canonical", "Grantor", "Contact", "Operator", "Scope", "Purposes", "Expires")
        ],
        *[
            (permission() + f"{name}: again\n", f"more than one {name}")
            for name in ("Canonical", "Grantor", "Purposes", "Expires")
        ],
        (permission(Notice="https://a.example/1") + "Notice: https://a.example/2\n", "more than one Notice"),
        ("", "has no Grantor"),
        (permission() + "and this is not a field\n", "line 8 is not a field"),
        (permission() + "Grantor\n", "line 8 is not a field"),
        (permission(Operator=""), "line 4 is not a field"),
        (permission(Grantor="The \x1b[31mMuseum"), "line 2 is not a field"),
        (permission() + "-----BEGIN PGP SIGNED MESSAGE-----\n", "line 8"),
        (permission(OTHER), "written for another place"),
        (permission(Canonical=f"http://{MUSEUM}/.well-known/face-search-permission.txt"), "another place"),
        (permission(Expires="2027-02-21T00:00:00Z"), "later than in 90 days"),
        (permission(Expires="2027-01-31"), "not a time"),
        (permission(Expires="2027-01-31T00:00:00"), "not a time"),
        (permission(Expires="2027-02-30T00:00:00Z"), "not a time"),
        (permission(Expires="0001-01-01T00:00:00+14:00"), "not a time"),
        (permission(Expires="٢٠٢٧-01-31T00:00:00Z"), "not a time"),
        (permission(Expires="never"), "not a time"),
        (permission(Scope="photos/"), "not a path"),
        (permission(Scope="/photos/*"), "patterns are not known"),
        (permission(Scope="/photos?a=b"), "patterns are not known"),
        (permission(Scope="/photos/../"), "a Scope is not a path"),
        (permission(Scope="/%"), "a Scope is not a path"),
        (permission(Purposes="a,,b"), "an empty one"),
        (permission(Contact="rights@museum.example.org"), "does not start with mailto:"),
        (permission(Notice="on request"), "not a web address"),
        (permission() + "#" * FILE_BYTES_MAX, "more than 32 KB"),
        (permission() + "\n" * LINES_MAX, "more than 1,000 lines"),
    ],
)
def test_a_file_that_is_not_understood_permits_nothing(wrong: str, said: str):
    """Its owner learns which line to mend."""
    with pytest.raises(SitePermissionMissing, match=said):
        parse(wrong)


def test_a_file_that_is_not_utf8_permits_nothing():
    """Nor is it guessed at."""
    with pytest.raises(SitePermissionMissing, match="UTF-8"):
        parse_site_permission(permission(Grantor="Musée").encode("latin-1"), MUSEUM, NOON)


@given(st.binary(max_size=500) | st.text(max_size=300).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_at_all_permit_nothing_or_say_so(junk: bytes):
    """No traceback, and no permission by accident."""
    with pytest.raises(SitePermissionMissing):
        parse_site_permission(junk, MUSEUM, NOON)


@given(st.text(max_size=60), st.integers(0, 300))
@example("Operator: *", 0)
@example("Expires: 2027-01-31T00:00:00Z", 100)
def test_a_good_file_with_something_written_into_it_never_allows_more(insert: str, where: int):
    """Whatever is added at any place: no other operator, no other purpose, no later end, or no permission."""
    text = permission(Scope="/photos/")
    try:
        found = parse(text[:where] + insert + text[where:])
    except SitePermissionMissing:
        return
    assert found.expires <= NOON + EXPIRES_WITHIN
    assert not found.allows("/photos/1.jpg", "*", NOON) or "*" in insert
    assert found.host == MUSEUM


@given(
    st.lists(st.sampled_from(["/", "/a", "/a/", "/a/b", "/ab", "/A"]), min_size=1, max_size=3),
    st.sampled_from(["/", "/a", "/a/", "/a/b", "/a/b/c?d=/e", "/ab", "/abc", "/A/x", "/b"]),
)
def test_a_scope_is_a_place_and_all_below_it(scopes: list[str], path: str):
    """'/a' is not '/ab', and a query does not lead anywhere else."""
    found = replace(parse(permission()), scopes=tuple(scopes))
    steps = path.partition("?")[0].split("/")
    expected = any(
        steps[: len(scope.rstrip("/").split("/"))] == scope.rstrip("/").split("/")
        and not (scope.endswith("/") and path == scope.rstrip("/"))
        for scope in scopes
    )
    assert found.covers(path) == expected


@given(
    st.integers(-(10**7), 10**7),
    st.sampled_from([OPERATOR, OPERATOR.upper(), f" {OPERATOR} ", OTHER, "", "*"]),
)
def test_it_allows_only_the_operator_it_names_and_only_until_it_ends(seconds: int, operator: str):
    """The letters' case does not matter in a host's name; anything else does."""
    found = parse(permission())
    allowed = found.allows("/photo.jpg", operator, found.expires + timedelta(seconds=seconds))
    assert allowed == (seconds < 0 and operator.strip().lower() == OPERATOR)


def test_all_purposes_of_a_collection_must_be_among_those_of_the_file():
    """And the first that is not is named."""
    found = parse(permission())
    assert found.why_not("/x", OPERATOR, [PURPOSE], NOON) is None
    assert found.why_not("/x", OPERATOR, [PURPOSE, "family-reunion"], NOON) is None
    assert "'missing-person'" in (found.why_not("/x", OPERATOR, [PURPOSE, "missing-person"], NOON) or "")


@pytest.mark.parametrize(
    ("today", "standing"),
    [
        (permission(Scope="/photos/"), Standing.IN_FORCE),
        (permission(Scope="/photos"), Standing.IN_FORCE),
        (permission(Scope="/"), Standing.IN_FORCE),
        (permission(Scope="/photos/", Purposes=f"{PURPOSE}, family-reunion, another"), Standing.IN_FORCE),
        (permission(Scope="/photos/", Expires="2027-02-15T00:00:00Z"), Standing.IN_FORCE),
        (permission(Scope="/photos/1920s/"), Standing.NARROWED),
        (permission(Scope="/photos/", Purposes=PURPOSE), Standing.NARROWED),
        (permission(Scope="/photos/", Expires="2026-11-22T12:00:00Z"), Standing.EXPIRED),
        (permission(Scope="/photos/", Operator=OTHER), Standing.GONE),
        (None, Standing.GONE),
    ],
)
def test_the_daily_check_tells_what_became_of_a_permission(today: str | None, standing: Standing):
    """Renewed or widened is in force; what was permitted then and is not now is narrowed."""
    at_ingest = parse(permission(Scope="/photos/"))
    assert check(at_ingest, parse(today) if today else None, OPERATOR, NOON) is standing


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_a_path_has_one_spelling(text: str):
    """Writing it again changes nothing, and no step or control character is left in it."""
    try:
        once = normal_path("/" + text)
    except AddressRefused:
        return
    assert normal_path(once) == once
    assert once.isascii()
    assert not set(once.partition("?")[0].split("/")) & {".", ".."}


def test_the_template_in_the_documentation_is_a_good_file():
    """With the operator, the host and a day of one's own put in."""
    page = (REPOSITORY / "docs" / "network.md").read_text("utf-8")
    template = re.search(r"```text\n(# face search.*?)```", page, re.DOTALL)
    assert template is not None
    found = parse(
        template[1]
        .replace("archive.example", MUSEUM)
        .replace("2027-01-31", f"{NOON + timedelta(days=60):%Y-%m-%d}")
    )
    assert found.allows("/photographs/1.jpg", "search.example", NOON)
    for name in ("Canonical", "Grantor", "Contact", "Operator", "Scope", "Purposes", "Expires", "Notice"):
        assert f"| `{name}` |" in page
