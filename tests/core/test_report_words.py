"""The words that no report says of a candidate, and the sentences that must stay sayable."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.odds import Strength
from lineament.core.report_words import refused
from lineament.core.review import WORDING, Component, Conclusion, Judgement, LeadState, Seen, Truth

SAID = {  # what people and their programs write, language by language, and the words that it may not have
    "en": [
        ("The two photographs match.", ["match"]),
        ("No mismatch was seen, and the matching scar settles it.", ["mismatch", "matching"]),
        ("The suspect was identified as Mr Doe.", ["identified"]),
        ("The mole identifies him; a positive identification.", ["identifies", "positive", "identification"]),
        ("The database returned a hit.", ["hit"]),
        ("The system is 99.7 % sure, or 99 percent.", ["99.7 %", "99 percent"]),
    ],
    "de": [
        ("Die Suche ergab einen Treffer.", ["Treffer"]),
        ("Die Person wurde eindeutig identifiziert.", ["identifiziert"]),
        ("Die Gesichter stimmen weitgehend überein.", ["stimmen weitgehend überein"]),
        ("Eine Übereinstimmung von 97 Prozent.", ["Übereinstimmung", "97 Prozent"]),
        ("Das Ergebnis ist positiv und gilt als Identifizierung.", ["positiv", "Identifizierung"]),
    ],
    "fr": [
        ("Il y a une correspondance entre les visages.", ["correspondance"]),
        ("L'homme a été identifié.", ["identifié"]),
        ("Identification positive à 98 %.", ["Identification", "positive", "98 %"]),
        ("Quatre-vingt-dix pour cent.", ["pour cent"]),
    ],
    "es": [
        ("Se encontró una coincidencia.", ["coincidencia"]),
        ("El sospechoso fue identificado; resultado positivo.", ["identificado", "positivo"]),
        ("Los rostros coinciden en un noventa por ciento.", ["coinciden", "por ciento"]),
        ("Es una identificación.", ["identificación"]),
    ],
    "it": [
        ("La corrispondenza è certa.", ["corrispondenza"]),
        ("L'uomo è stato identificato con esito positivo.", ["identificato", "positivo"]),
        ("Il volto corrisponde al 95 per cento.", ["corrisponde", "95 per cento"]),
    ],
    "nl": [
        ("De overeenkomst is groot.", ["overeenkomst"]),
        ("Het gezicht komt overeen met de foto.", ["komt overeen"]),
        (
            "De verdachte is geïdentificeerd; een positieve treffer.",
            ["geïdentificeerd", "positieve", "treffer"],
        ),
        ("Dat is een identificatie met 99 procent.", ["identificatie", "99 procent"]),
    ],
    "pl": [
        ("Znaleziono dopasowanie.", ["dopasowanie"]),
        ("Mężczyzna został zidentyfikowany, wynik pozytywny.", ["zidentyfikowany", "pozytywny"]),
        ("To jest trafienie i identyfikacja, 99 procent.", ["trafienie", "identyfikacja", "99 procent"]),
    ],
    "pt": [
        ("Há uma correspondência.", ["correspondência"]),
        ("O homem foi identificado, resultado positivo.", ["identificado", "positivo"]),
        ("É uma identificação com noventa por cento.", ["identificação", "por cento"]),
    ],
}
DENIED = [
    "A candidate is for people to review, never an identification.",
    "It is not an identification. It isn't evidence on its own.",
    "Es ist keine Identifizierung, weder ein Beweis noch eine Identifizierung.",
    "Ce n'est pas une identification.",
    "No es una identificación.",
    "Non è un'identificazione.",
    "Dit is geen identificatie.",
    "Nie jest identyfikacją.",
    "Não é uma identificação.",
]
SAYABLE = [
    *DENIED,
    *WORDING.values(),
    *(one.value for kind in (Component, Seen, Judgement, Conclusion, LeadState, Truth) for one in kind),
    *(one.value for one in Strength),
    "Among these 535 faces, about 0.013 strangers would be expected to score this high.",
    "Searched in identification mode; the scar corresponds in place, and that may be coincidence.",
    "The identifier of the entry is 2f60.",
    "Zwischen 1 und 9 von 100.",
    "Les deux cicatrices se ressemblent.",
]


@pytest.mark.parametrize(
    ("text", "words"),
    [said for language in SAID.values() for said in language],
    ids=lambda one: str(one)[:40],
)
def test_what_makes_a_decision_of_a_resemblance_is_refused(text: str, words: list[str]):
    """In every language of the list, each word as it was written and in its order."""
    assert refused(text) == words


@pytest.mark.parametrize("text", SAYABLE)
def test_what_must_be_said_can_be(text: str):
    """The caveats, the fixed wordings, the odds."""
    assert refused(text) == []


@pytest.mark.parametrize(
    "turned", ["not only", "not just", "no doubt about this", "nicht nur eine sichere", "No:"]
)
def test_a_denial_that_denies_something_else_does_not_help(turned: str):
    """'Not only an identification' claims one."""
    assert refused(f"It is {turned} identification.") == ["identification"]


def test_a_denied_match_is_still_a_match():
    """Only what a lead is not needs to be said with the word itself; there are others for the rest."""
    assert refused("This is not a match, and nobody was identified.") == ["match", "identified"]


@pytest.mark.parametrize(
    "text", ["IDENTIFIED", "identi\ufb01ed", "iden\u00adti\u200bfied", "\uff49dentified"]
)
def test_no_disguise_helps(text: str):
    """Capitals, ligatures, soft hyphens, characters without width, wide letters."""
    assert refused(f"He was {text}.") == [text]
    assert refused("identifie\u0301") == ["identifie"]  # the accent as a character of its own
    assert refused("9\u00a0\uff05") == ["9\u00a0\uff05"]
    assert refused("pour\n  cent") == ["pour\n  cent"]


def test_a_percentage_is_found_however_its_number_is_written():
    """With a dot or a comma first or between, after a full stop, and by itself."""
    for number in ("9", "99.9", "99,9", ".5", "1,000.5"):
        assert refused(f"Surely. {number} %.") == [f"{number} %"]
    assert refused("In 2026. 9 %") == ["9 %"]
    assert refused("a percentage of 9") == ["percentage"]


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "1." * 50_000, "a" * 100_000, "not a " * 10_000, "' " * 50_000]
)
def test_no_text_takes_long(text: str):
    """An examiner's note is read by it: ten times as much takes about ten times as long."""

    def taken(text: str) -> float:
        return min(timeit.repeat(lambda: refused(text), number=1, repeat=3))

    assert taken(text) < 40 * taken(text[: len(text) // 10])


INNOCENT = st.text(st.sampled_from("abcegknoruvwxyzäłéñ ,.;0123456789\n"), max_size=60).filter(
    lambda text: not refused(text)
)
WORDS = st.sampled_from([word for said in SAID.values() for _, words in said for word in words])


@given(INNOCENT, WORDS, INNOCENT)
def test_a_word_is_found_wherever_it_stands(before: str, word: str, after: str):
    """Among others, in capitals, and it is named as it was written."""
    assert refused(f"{before}. {word}. {after}") == [word]
    assert [one.casefold() for one in refused(f"{before}. {word.upper()}. {after}")] == [word.casefold()]


@given(INNOCENT, st.sampled_from(DENIED), INNOCENT)
def test_a_caveat_stays_sayable_whatever_stands_around_it(before: str, caveat: str, after: str):
    """And a caveat does not open the door to what follows it."""
    assert refused(f"{before}. {caveat} {after}") == []
    assert refused(f"{caveat} He was identified.") == ["identified"]


@given(st.text())
def test_no_text_breaks_it(text: str):
    """What it names stands in the text, once each."""
    found = refused(text)
    assert all(one in text for one in found)
    assert len(found) == len(set(found))
