"""Addresses on the web, read strictly: what two programs could understand differently is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin

import idna

from lineament.core.words import is_plain, plain
from lineament.errors import AddressRefused

ADDRESS_LENGTH_MAX = 4_000  # characters
_ADDRESS = re.compile(r"https://([^/?#]+)(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(  # RFC 1123; the last label starts with a letter, so that it is no IP address
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_TRIPLET = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3
_DECODED_AT_MOST = 4  # times that a server might decode a path


@dataclass(frozen=True)
class WebAddress:
    """An https address. ``host`` is ASCII in lower case, ``path`` starts with '/' and includes the query."""

    host: str
    path: str

    def __str__(self) -> str:
        return f"https://{self.host}{self.path}"


def read_address(text: str) -> WebAddress:
    """Read an address. Raises AddressRefused for everything but https, a registered name and port 443."""
    if not is_plain(text) or "\\" in text or any(map(str.isspace, text)) or len(text) > ADDRESS_LENGTH_MAX:
        raise AddressRefused(f"'{plain(text[:80])}' has characters that no address has, or too many.")
    parts = _ADDRESS.fullmatch(text)
    if parts is None:
        raise AddressRefused(f"'{text[:80]}' is not an address that starts with https://.")
    host = read_host(parts[1].removesuffix(":443"))
    return WebAddress(host, normal_path((parts[2] or "/") + (parts[3] or "")))


def follow(base: WebAddress, location: str) -> WebAddress:
    """Return where a redirect from ``base`` leads. Raises AddressRefused as ``read_address`` does."""
    if _SCHEME.match(location):
        return read_address(location)
    if location.startswith("//"):
        return read_address(f"https:{location}")
    if not is_plain(location) or "\\" in location:
        raise AddressRefused(f"{base} redirects to an address with characters that no address has.")
    return read_address(urljoin(str(base), location))


def read_host(text: str) -> str:
    """Return a host's name in ASCII and lower case (IDNA 2008). Raises AddressRefused.

    Upper case is folded in ASCII alone: what only looks like a letter or a dot is refused.
    """
    try:
        host = text.lower() if text.isascii() else idna.encode(text).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise AddressRefused(f"'{plain(text[:80])}' is not the name of a host.") from error
    if not _HOST.fullmatch(host) or not (text.isascii() or host.count(".") == text.count(".")):
        raise AddressRefused(f"'{plain(text[:80])}' is not the name of a host on the public internet.")
    return host


def normal_path(path: str) -> str:
    """Return a path in the one spelling that rules are compared in (RFC 3986, 6.2.2). Raises AddressRefused.

    A path with '.' or '..' in it, however it is written, is refused: it leads elsewhere than it says.
    """
    path = quote(path, safe="%/?:@!$&'()*+,;=-._~")
    if path.count("%") != len(_TRIPLET.findall(path)):
        raise AddressRefused(f"'{path[:80]}' has a '%' without two hexadecimal digits.")
    seen = path.partition("?")[0]
    for _ in range(_DECODED_AT_MOST):
        if not is_plain(seen) or any(
            part.partition(";")[0] in {".", ".."} for part in re.split(r"[/\\]", seen)
        ):
            raise AddressRefused(f"'{path[:80]}' has a step or a control character in it.")
        seen = unquote(seen, errors="replace")
    return _TRIPLET.sub(_normal_triplet, path)


def _normal_triplet(triplet: re.Match[str]) -> str:
    character = chr(int(triplet[0][1:], 16))
    return character if character in _UNRESERVED else triplet[0].upper()
