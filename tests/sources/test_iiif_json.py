"""Texts come out in one language and on one line."""

from __future__ import annotations

import pytest

from lineament.sources.iiif_json import text_of


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("A caption", "A caption"),
        ({"en": ["one", "two"]}, "one; two"),
        ({"fr": ["un"], "none": ["1"]}, "1"),
        ({"fr": ["un"], "en-GB": ["one"], "none": ["1"]}, "one"),
        ({"fr": ["un"], "de": ["eins"]}, "un"),
        ({"en": [], "de": ["eins"]}, "eins"),
        ({"@value": "eins", "@language": "de"}, "eins"),
        ([{"@value": "eins", "@language": "de"}, {"@value": "one", "@language": "en"}], "one"),
        (["a", "b"], "a; b"),
        (
            "<p>Gift of <a href='x'>Ada</a> &amp; Grace</p><p>1936</p><script>",
            "Gift of Ada & Grace 1936",
        ),
        ("5 < 6, 7 > 6 <!-- is it -->&lt;b&gt;", "5 < 6, 7 > 6 <b>"),
        ("<![<![CDATA[one]]>", "<!["),
        ("<" * 8_000, "<" * 4_000),
        ({"en": ["one"] * 1_000_000}, "; ".join(["one"] * 100)),
        ("one\ntwo\x1b[31m", "one two?[31m"),
        (1936, "1936"),
        (None, None),
        ({}, None),
        ([[]], None),
        ("  ", None),
        ({"en": {"a": 1}}, None),
    ],
)
def test_a_text_is_read_in_one_language_and_without_markup(value: object, said: str | None):
    """English before no language before the first there is; one line, and nothing that a terminal acts on."""
    assert text_of(value) == said
