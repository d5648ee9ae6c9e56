"""Words that a report must not say of a candidate: a candidate is a lead, in every language.

Such a word makes a decision out of a resemblance: that two faces 'match', that somebody was 'identified',
that a result is 'positive' or a 'hit'. A bare percentage does the same. The words are those of English,
German, French, Spanish, Italian, Dutch, Polish and Portuguese. What a lead is not must be sayable:
'identification' passes where it is denied, as in 'it is not an identification', and as the name of a mode.
"""

from __future__ import annotations

import re
import unicodedata

# As ``_folded`` writes them: small letters without accents.
_WORDS = (
    r"(?:ge|mis)?match(?:es|ed|ing|en|e[rt]?|s|t|ten|ees?|ear)?",
    r"hits?|\w*treffer\w*|trafien\w+|trafion\w+|aciertos?|acertos?",
    r"positive(?:s|ly|ment)?|positiv(?:e[nrms]|amente|o|a|i|os|as)?|positifs?|positie(?:f|ve)|pozytywn\w+",
    r"identif(?:y|ies|ied|ying)",
    r"identifizier\w+(?<!ung)(?<!ungen)",
    r"identifie(?:e|es|nt|rent)?",
    r"identific(?:ad[oa]s?|ou|aram|at[oaie]|a|an|am|o|aron|are|hiamo)",
    r"geidentificeerde?|identificeer(?:t|de|den)?|identificeren",
    r"zidentyfikow\w+|identyfikuj\w*|identyfikowa\w+",
    r"ue?bereinstimm\w*|stimm(?:t|en)\b[^.;:!?]{0,60}\bue?berein",
    r"correspondances?|concordances?|apparie(?:es?|s|ments?)?",
    r"coincidencias?|coincidentes?|coinciden|coincidem|coincide co[nm]|coincidono",
    r"correspondencias?|corresponden? al?|correspondem? a[os]?|concordancias?",
    r"corrispondenz[ae]|corrispond(?:e|ono)|concordanz[ae]",
    r"overeenkomst\w*|overeenkom(?:en|t|end|ende)|komt overeen|komen overeen",
    r"dopasowa\w+|dopasowuj\w*",
)
_IDENTIFICATION = (
    r"(?:identifi[ck]ation(?:en|s)?|identifizierung(?:en)?|identificacion(?:es)?|identificazion[ei]|"
    r"identificac(?:ao|oes)|identificaties?|identyfikacj\w+)(?! mode\b)"
)
_NUMBER = r"(?:(?<![\d.,])[\d.,]*\d|\})"  # or where a template will put one
_PERCENTAGE = (
    rf"{_NUMBER} ?[%\u066a\u2030]|(?:{_NUMBER} ?|\b)(?:per ?cent|percentages?|prozent\w*|pour cent|"
    r"por ciento|per cento|percento|procent\w*|por cento)\b"
)
_REFUSED = re.compile(rf"\b(?:{'|'.join(_WORDS)}|{_IDENTIFICATION})\b|{_PERCENTAGE}")

# A denial, and what may stand between it and what it denies: anything else might turn it round ('not only').
_DENIAL = re.compile(
    r"\b(?:not|never|nor?|neither|\w+n['\u2019]t|nicht|kein\w*|nie|niemals|weder|"
    r"(?<=weder )[^.;:!?]{1,80} noch|noch(?= een\b)|ani|pas|aucune?|jamais|ni|"
    r"ninguna|nunca|non|nessuna|mai|geen|niet|nooit|zadn\w+|nigdy|nao|nenhuma|nem)"
    r"(?:[ '\u2019]+(?:an?|any|the|in|itself|yet|is|be|ever|as|eine?|einer|als|je|ist|une?|l|d|de|la|est|es|"
    r"una|constituye|supone|un|e|costituisce|constitue|een|jest|stanowi|to|uma|constitui)){0,4}[ '\u2019]+\Z"
)


def refused(text: str) -> list[str]:
    """Return the words and bare percentages in a text that a report must not say, as they stand in it.

    Each comes once, in the order of its first place. Case, accents, ligatures and invisible characters do not
    hide a word.
    """
    plain, places = _folded(text)
    found = []
    for one in _REFUSED.finditer(plain):
        denied = re.fullmatch(_IDENTIFICATION, one.group()) and _DENIAL.search(plain[: one.start()])
        if not denied:
            found.append(text[places[one.start()] : places[one.end() - 1] + 1])
    return list(dict.fromkeys(found))


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text in small letters without accents, and the place in ``text`` of each of its characters.

    Every white space is one space, and characters that nobody sees are gone.
    """
    folded: list[str] = []
    places: list[int] = []
    for at, character in enumerate(text):
        for one in unicodedata.normalize("NFKD", character).casefold():
            if unicodedata.category(one) in {"Mn", "Cf"}:
                continue
            if one.isspace() and folded and folded[-1] == " ":
                continue
            folded.append(" " if one.isspace() else one)
            places.append(at)
    return "".join(folded), places
