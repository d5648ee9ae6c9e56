"""robots.txt, preferences about AI and reserved rights forbid what they are about, and not more than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.sources.site_signals import (
    is_about,
    parse_robots,
    parse_tdm,
    says_no,
    why_headers_forbid,
)


def forbids(robots: str, path: str) -> bool:
    return parse_robots(robots.encode()).why_not(path) is not None


@pytest.mark.parametrize(
    ("robots", "path", "forbidden"),
    [
        ("", "/a", False),
        ("<html>Not here</html>", "/a", False),
        ("User-agent: *\nDisallow: /", "/a", True),
        ("User-agent: *\nDisallow:", "/a", False),
        ("user-agent : *\r\ndisallow : /a # the attic\r\n", "/a/b", True),
        ("User-agent: OtherBot\nDisallow: /", "/a", False),
        ("User-agent: OtherBot\nUser-agent: *\nDisallow: /", "/a", True),
        ("User-agent: Lineament/2.0\nDisallow: /", "/a", True),
        ("User-agent: lineament-bot\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /\nUser-agent: Lineament\nDisallow: /b", "/a", False),
        (
            "User-agent: Lineament\nDisallow: /b\nUser-agent: *\nUser-agent: LINEAMENT\nDisallow: /c",
            "/c",
            True,
        ),
        ("User-agent: Lineament\nSitemap: /map\nUser-agent: OtherBot\nDisallow: /", "/a", True),
        ("User-agent: Lineament\nDisallow:\nUser-agent: OtherBot\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", False),
        ("User-agent: *\nAllow: /a\nDisallow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", False),
        ("User-agent: *\nDisallow: /*.jpg$", "/a/b.jpg", True),
        ("User-agent: *\nDisallow: /*.jpg$", "/a/b.jpg?c", False),
        ("User-agent: *\nDisallow: /a/*/c", "/a/b/b/c/d", True),
        ("User-agent: *\nDisallow: /%70rivate", "/private/1", True),
        ("User-agent: *\nDisallow: /é", "/%C3%A9", True),
        ("User-agent: *\nDisallow: /a?b=", "/a?b=c", True),
        ("Disallow: /", "/a", False),  # in no group: RFC 9309 passes over it
        ("User-agent: *\nContent-Usage: train-ai=n", "/a", True),
        ("User-agent: *\nContent-Usage: train-ai=y, search=y", "/a", False),
        ("User-agent: *\nContent-Usage: bots=?0", "/a", True),
        ("User-agent: *\nContent-Usage: /a train-ai=n", "/b", False),
        ("User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /ok/ train-ai=y", "/ok/1", False),
        ("User-agent: *\nContent-Usage: /a train-ai=y\nContent-Usage: /a train-ai=n", "/a", True),
        ("User-agent: *\nContent-Signal: search=yes,ai-train=no", "/a", True),
        ("User-agent: *\nContent-Signal: search=yes, ai-input=yes", "/a", False),
        ("Content-Signal: ai-train=no\nUser-agent: *\nAllow: /", "/a", True),
        ("User-agent: OtherBot\nContent-Signal: ai-train=no", "/a", False),
    ],
)
def test_robots_txt_is_read_as_its_standard_says(robots: str, path: str, forbidden: bool):
    """Groups, the longest pattern, wildcards, one spelling of paths; and preferences by the same rules."""
    assert forbids(robots, path) == forbidden


@pytest.mark.parametrize(
    ("header", "forbidden"),
    [
        (("x-robots-tag", "noai"), True),
        (("x-robots-tag", "nofollow, NoImageAI"), True),
        (("x-robots-tag", "noindex"), True),
        (("x-robots-tag", "lineament: none"), True),
        (("x-robots-tag", "otherbot: noindex, noai"), False),
        (("x-robots-tag", "nofollow, unavailable_after: 25 Jun 2027 15:00:00 PST"), False),
        (("x-robots-tag", "unavailable_after: 25 Jun 2027 15:00:00 PST"), False),
        (("x-robots-tag", "max-image-preview: large, noai"), True),
        (("tdm-reservation", " 1 "), True),
        (("tdm-reservation", "0"), False),
        (("content-usage", "train-ai=n;x=1"), True),
        (("content-signal", "ai-train=no"), True),
        (("content-type", "image/jpeg"), False),
    ],
)
def test_headers_forbid_one_file(header: tuple[str, str], forbidden: bool):
    """The ones that are for everybody, or for Lineament by name."""
    assert (why_headers_forbid([header]) is not None) == forbidden


@pytest.mark.parametrize(
    ("document", "path", "forbidden"),
    [
        ('[{"location": "/", "tdm-reservation": 1}]', "/a", True),
        ('[{"location": "/a", "tdm-reservation": "1"}]', "/a", True),
        (
            '[{"location": "/ok/", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]',
            "/ok/1",
            False,
        ),
        (
            '[{"location": "/ok/", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]',
            "/no/1",
            True,
        ),
        ('[{"location": "/*.jpg$", "tdm-reservation": 1}]', "/a.png", False),
        ('{"location": "/", "tdm-reservation": 1}', "/a", False),
        ('[1, null, {"location": 5}, {"tdm-reservation": 1}]', "/a", False),
        ("<html>Not here</html>", "/a", False),
        ("[" * 100_000, "/a", False),
        ("", "/a", False),
    ],
)
def test_rights_are_reserved_by_the_first_rule_about_a_path(document: str, path: str, forbidden: bool):
    """What is no tdmrep.json says nothing."""
    assert (parse_tdm(document.encode()).why_not(path) is not None) == forbidden


@given(st.binary(max_size=400), st.text("/ab?*$%.", max_size=12))
def test_any_bytes_at_all_are_read(junk: bytes, path: str):
    """Nothing is raised, whatever a site publishes."""
    robots = parse_robots(b"User-agent: *\n" + junk)
    assert robots.delay >= 0
    robots.why_not("/" + path)
    parse_tdm(junk).why_not("/" + path)
    why_headers_forbid([("x-robots-tag", junk.decode("latin-1"))])


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8), st.booleans())
def test_a_pattern_is_about_what_a_regular_expression_would_be(pattern: str, path: str, to_the_end: bool):
    """But in linear time, for patterns come from strangers."""
    import re

    expression = ".*".join(map(re.escape, pattern.split("*"))) + ("$" if to_the_end else "")
    assert is_about(pattern + "$" * to_the_end, path) == bool(re.match(expression, path))


def test_a_pattern_of_many_stars_costs_no_time():
    """A regular expression would not come back."""
    assert not is_about("/" + "*a" * 2_000 + "$", "/" + "a" * 1_999)


def test_a_no_is_heard_in_any_of_the_ways_to_say_it():
    """And a yes or an unknown word is none."""
    assert all(map(says_no, ["a=n", "a=no", "b=yes, a=NO", "a=?0", "x=n;q=1", " a = no "]))
    assert not any(map(says_no, ["", "no", "a=y", "a=yes", "a=nope", "a", "=", ",,"]))
