"""Texts that people give, and how they are told apart."""

import pytest

from lineament.core.words import counted, is_plain, is_plain_text, listed, look, plain


@pytest.mark.parametrize("text", ["", "2026/17", "José", "محمد", "שלום", "老舍", "👩‍👧 family", "\u200fרח"])
def test_what_people_write_is_plain(text: str):
    """Every script, emoji and the marks that Arabic and Hebrew need."""
    assert is_plain(text)


@pytest.mark.parametrize("text", ["a\nb", "\x00", "\x85", "\ud800", "annex\u202egpj.exe"])
def test_what_cannot_be_shown_or_is_read_in_another_order_is_not(text: str):
    """A name that reads as another one than it is must not get into a list."""
    assert not is_plain(text)
    assert is_plain(plain(text))


def test_a_text_of_several_lines_is_plain_where_each_line_is():
    """Only the line's end itself may stand between them."""
    assert is_plain_text("one\ntwo")
    assert not is_plain_text("one\r\ntwo")


def test_what_the_eye_does_not_tell_apart_looks_the_same():
    """Case, blanks, width and what nobody sees make no second person."""
    assert look("Anna  Lee ") == look("an\u200bna lee") == look("\uff21\uff2e\uff2e\uff21 LEE")
    assert look("Anna Lee") != look("Ana Lee")
    assert look("\u200b\u2060") == ""


def test_numbers_and_lists_read_as_in_a_sentence():
    """As people say them."""
    assert [counted(number, "face") for number in (0, 1, 1204)] == ["0 faces", "1 face", "1,204 faces"]
    assert listed(["one"]) == "one"
    assert listed(["one", "two", "three"], "or") == "one, two or three"
