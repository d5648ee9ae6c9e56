"""What IIIF documents have in common: JSON that may have any shape, and texts in several languages.

A value of the wrong type is as good as none: nothing here raises but ``read_document``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import islice
from typing import Any

from lineament.core.words import plain
from lineament.errors import SourceUnreadable

Node = dict[str, Any]

TEXT_MAX = 4_000  # characters that are kept of one text
_MARKUP_MAX = 8_000  # characters that are looked at, with their markup
_TEXTS_MAX = 100  # languages of one text, and texts in one language
_MARKUP = re.compile(r"</?[A-Za-z!?][^<>]*>")
_BREAK = re.compile(r"<(?:br|p|div|li)\b[^<>]*>", re.IGNORECASE)


def read_document(data: bytes, name: str) -> Node:
    """Return a JSON object. Raises SourceUnreadable, with ``name`` for what it is called."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SourceUnreadable(f"{plain(name)} is not JSON.") from error
    if not isinstance(document, dict):
        raise SourceUnreadable(f"{plain(name)} is not a JSON object.")
    return document


def nodes(value: object) -> list[Node]:
    """Return the objects of a list, or the one object there is."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else nodes([value])


def kind_of(node: Node) -> str:
    """Return what a node is, such as 'Manifest', which is 'sc:Manifest' in version 2; or nothing."""
    kind = node.get("type") or node.get("@type")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    return kind.rpartition(":")[2] if isinstance(kind, str) else ""


def id_of(value: object) -> str:
    """Return the id of a node, or the one that stands in its place; empty where there is none."""
    if isinstance(value, dict):
        value = value.get("id") or value.get("@id")
    return value if isinstance(value, str) else ""


def address_of(value: object) -> str:
    """Return where a node is fetched: at its id, and over https also where that begins with http://."""
    name = id_of(value)
    return f"https://{name[7:]}" if name[:7].lower() == "http://" else name


def text_of(value: object) -> str | None:
    """Return a text on one line and without markup: in English, in no language, or in the first."""
    said = "; ".join(_unmarked(one) for one in _in_one_language(_by_language(value)))
    return plain(" ".join(said.split())[:TEXT_MAX]) or None


def _in_one_language(texts: Mapping[str, list[str]]) -> list[str]:
    languages = sorted(texts, key=lambda one: (one != "en", one[:3] != "en-", one != "none"))
    return texts[languages[0]] if languages else []


def _by_language(value: object) -> Mapping[str, list[str]]:
    """Return the texts of version 3 ({"en": [...]}), or of version 2: plain, or {"@value", "@language"}."""
    if isinstance(value, dict) and "@value" not in value:
        found = {language: list(_strings(texts)) for language, texts in islice(value.items(), _TEXTS_MAX)}
        return {language: texts for language, texts in found.items() if texts}
    texts: dict[str, list[str]] = {}
    for one in _several(value):
        language = one.get("@language") if isinstance(one, dict) else None
        for said in _strings(one.get("@value") if isinstance(one, dict) else one):
            texts.setdefault(language if isinstance(language, str) else "none", []).append(said)
    return texts


def _several(value: object) -> list[Any]:
    return value[:_TEXTS_MAX] if isinstance(value, list) else [value]


def _strings(value: object) -> Iterator[str]:
    for one in _several(value):
        if isinstance(one, str | int | float) and not isinstance(one, bool):
            yield str(one)[:_MARKUP_MAX]


def _unmarked(text: str) -> str:
    if "<" not in text:
        return text
    return unescape(_MARKUP.sub("", _BREAK.sub(" ", text)))
