"""What a site asks of machines: robots.txt, preferences about AI, reserved rights. All can only forbid.

robots.txt is read as RFC 9309 says, with the rules Content-Usage (draft-ietf-aipref-attach-05) and
Content-Signal (Cloudflare). A preference against any kind of AI counts, whichever kind it names: who means to
permit face search alone writes a group for 'Lineament', which then counts in place of the one for '*'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lineament.errors import AddressRefused
from lineament.sources.web_address import normal_path

ROBOTS_PATH = "/robots.txt"
TDM_PATH = "/.well-known/tdmrep.json"
SIGNALS_BYTES_MAX = 512 * 1024  # RFC 9309, 2.5, asks for 500 KiB at least
PRODUCT = "lineament"

_TOKEN = re.compile(r"[a-z_-]+")
_PREFERENCES = ("content-usage", "content-signal")
_RULES = frozenset({"allow", "disallow", "crawl-delay", *_PREFERENCES})
_NO = frozenset({"n", "no", "?0", "false", "0"})
_ROBOTS_TAGS = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
_VALUED_TAGS = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


@dataclass(frozen=True)
class Rule:
    """One rule of robots.txt: what it is called, the pattern of the paths it is about, and what it says."""

    name: str
    pattern: str
    value: str = ""


@dataclass(frozen=True)
class Robots:
    """The rules of one robots.txt that are for Lineament."""

    rules: Sequence[Rule] = ()

    @property
    def delay(self) -> float:
        """The seconds between two requests that Crawl-delay asks for, or 0."""
        return max((_seconds(rule.value) for rule in self.rules if rule.name == "crawl-delay"), default=0.0)

    def why_not(self, path: str) -> str | None:
        """Return why a path in its normal spelling is forbidden, as a sentence's end, or None."""
        found = _closest(self.rules, ("allow", "disallow"), path)
        if found and not any(rule.name == "allow" for rule in found):
            return f"its robots.txt disallows {found[0].pattern}"
        for name in _PREFERENCES:
            for rule in _closest(self.rules, (name,), path):
                if says_no(rule.value):
                    return f"its robots.txt says '{name}: {rule.value[:80]}'"
        return None


@dataclass(frozen=True)
class TdmRules:
    """The rules of one tdmrep.json (W3C TDM Reservation Protocol): each pattern, and if it is reserved."""

    rules: Sequence[tuple[str, bool]] = ()

    def why_not(self, path: str) -> str | None:
        """Return why a path is forbidden, or None; the first rule that is about a path counts."""
        reserved = next((reserved for pattern, reserved in self.rules if is_about(pattern, path)), False)
        return "its tdmrep.json reserves the rights of text and data mining" if reserved else None


def parse_robots(data: bytes) -> Robots:
    """Read a robots.txt. What cannot be read is passed over, as RFC 9309 asks; nothing is raised."""
    ours, everybodys, before = list[Rule](), list[Rule](), list[Rule]()
    is_named, heading = False, False
    current = [before]
    for name, value in _lines(data):
        if name == "user-agent":
            if not heading:
                current = []
            agent = _agent(value)
            is_named |= agent == PRODUCT
            current += [{PRODUCT: ours, "*": everybodys}[agent]] if agent in {PRODUCT, "*"} else []
            heading = True
        elif name in _RULES:  # all else, such as Sitemap, ends no group (RFC 9309, 2.2.4)
            if rule := _rule(name, value):
                for rules in current:
                    rules.append(rule)
            heading = False
    in_no_group = (rule for rule in before if rule.name in _PREFERENCES)  # they count, for they only forbid
    return Robots((*in_no_group, *(ours if is_named else everybodys)))


def parse_tdm(data: bytes) -> TdmRules:
    """Read a tdmrep.json. What is not one says nothing, as the specification asks; nothing is raised."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return TdmRules()
    rules = []
    for one in document if isinstance(document, list) else []:
        if isinstance(one, dict) and isinstance(one.get("location"), str):
            rules.append((_normal(one["location"]), str(one.get("tdm-reservation")) == "1"))
    return TdmRules(rules)


def why_headers_forbid(headers: Iterable[tuple[str, str]]) -> str | None:
    """Return why an answer's headers (names in lower case) forbid its use, as a sentence's end, or None."""
    for name, value in headers:
        if name in _PREFERENCES and says_no(value):
            return f"it says '{name}: {value[:80]}'"
        if name == "tdm-reservation" and value.strip() == "1":
            return "it reserves the rights of text and data mining"
        if name == "x-robots-tag" and _ROBOTS_TAGS & _tags(value):
            return f"it says 'x-robots-tag: {value[:80]}'"
    return None


def says_no(preferences: str) -> bool:
    """Say whether a list such as 'search=yes, ai-train=no' or 'train-ai=n' has a no in it."""
    for one in preferences.split(","):
        value = one.partition("=")[2].partition(";")[0]
        if value.strip().lower() in _NO:
            return True
    return False


def is_about(pattern: str, path: str) -> bool:
    """Say whether a pattern of RFC 9309 is about a path: '*' is any text, a final '$' the path's end."""
    to_the_end = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not others:
        return not to_the_end or at == len(path)
    for part in others[:-1]:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if to_the_end:
        return path.endswith(others[-1]) and len(path) - len(others[-1]) >= at
    return path.find(others[-1], at) >= 0


def _closest(rules: Sequence[Rule], names: Sequence[str], path: str) -> list[Rule]:
    """Return the rules of these names with the longest pattern that is about a path."""
    about = [rule for rule in rules if rule.name in names and is_about(rule.pattern, path)]
    longest = max((len(rule.pattern) for rule in about), default=0)
    return [rule for rule in about if len(rule.pattern) == longest]


def _rule(name: str, value: str) -> Rule | None:
    if name in {"allow", "disallow"}:
        return Rule(name, _normal(value)) if value else None
    if name in _PREFERENCES:
        pattern, _, preference = value.partition(" ") if value.startswith("/") else ("/", "", value)
        return Rule(name, _normal(pattern), preference.strip())
    return Rule(name, "", value)


def _lines(data: bytes) -> Iterable[tuple[str, str]]:
    for line in re.split(r"[\r\n]+", data.decode("utf-8-sig", errors="replace")):
        name, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield name.strip().lower(), " ".join(value.split())


def _agent(value: str) -> str:
    token = _TOKEN.match(value.lower())
    return "*" if value.startswith("*") else token[0] if token else ""


def _normal(pattern: str) -> str:
    """Return a pattern in the spelling of paths; one that is none stays as it is."""
    try:
        return normal_path(pattern)
    except AddressRefused:
        return pattern


def _seconds(value: str) -> float:
    try:
        return max(0.0, float(value))
    except ValueError:
        return 0.0


def _tags(value: str) -> set[str]:
    """Return the directives of an X-Robots-Tag that are for Lineament or for everybody."""
    agent, colon, rest = value.partition(":")
    agent = agent.strip().lower()
    if colon and "," not in agent and agent not in _VALUED_TAGS:
        if agent not in {PRODUCT, "*"}:
            return set()
        value = rest
    return {one.strip().lower() for one in value.split(",")}
