"""Fetch from the web: only where the operator lists the host and the host's owner permits it.

The order of the questions: is the network on; is the host listed; does its permission file name this
operator, place and purpose; does robots.txt or a preference about AI forbid it; and before each connection:
is the address public. docs/network.md tells site owners and operators the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from lineament import __version__
from lineament.core.words import is_plain, plain
from lineament.errors import (
    FetchFailed,
    FileTooLarge,
    HostNotAllowed,
    NetworkOff,
    SettingsInvalid,
    SiteForbids,
    SitePermissionMissing,
    SourceError,
)
from lineament.sources.polite import ASKED_WAIT_MAX, SECONDS_BETWEEN, PoliteHost
from lineament.sources.site_permission import (
    FILE_BYTES_MAX,
    PERMISSION_PATH,
    SitePermission,
    parse_site_permission,
)
from lineament.sources.site_signals import (
    ROBOTS_PATH,
    SIGNALS_BYTES_MAX,
    TDM_PATH,
    Robots,
    TdmRules,
    parse_robots,
    parse_tdm,
    why_headers_forbid,
)
from lineament.sources.web_address import WebAddress, follow, read_address, read_host
from lineament.sources.wire import Answer, Wire

REDIRECTS_MAX = 3
RULES_KEPT = 3_600.0  # seconds until a site's rules are read again; RFC 9309 allows a day
FAILURE_KEPT = 60.0  # seconds until a site whose rules could not be fetched is asked again
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Fetched:
    """One file from the web, and the digest of the site's permission file that it was fetched under."""

    data: bytes
    media_type: str
    etag: str | None
    url: str
    permission_digest: str


@dataclass(frozen=True)
class _Rules:
    """What one site permits, and what it forbids."""

    permission: SitePermission
    robots: Robots
    tdm: TdmRules


@dataclass
class _Host:
    """One host that may be fetched from, and its rules, or why there are none, until a monotonic time."""

    polite: PoliteHost
    rules: _Rules | SourceError | None = None
    rules_until: float = 0.0


class Fetcher:
    """Fetches for one operator and for the purposes of one collection. Threads may share it.

    ``operator`` is what permission files call this installation's operator, ``contact`` an address that a
    site's owner can write to; both are sent along. ``hosts`` are those that may be fetched from; without any,
    the network is off. ``clock`` returns the time in UTC. Raises SettingsInvalid for a name that cannot be
    sent, and AddressRefused for a host that is none.
    """

    def __init__(
        self,
        operator: str,
        contact: str,
        hosts: Collection[str],
        purposes: Collection[str],
        clock: Callable[[], datetime],
        wire: Wire | None = None,
    ) -> None:
        for one in (operator, contact) if hosts else ():
            if not one.strip() or not one.isascii() or not is_plain(one) or set(one) & set("();"):
                raise SettingsInvalid(f"'{plain(one)}' cannot be sent as the name or contact of an operator.")
        self.operator, self._purposes = operator, tuple(purposes)
        self._clock, self._wire = clock, wire or Wire()
        agent = f"Lineament/{__version__} (operator {operator}; contact {contact})"
        self._hosts = {read_host(host): _Host(PoliteHost(self._wire, clock, agent)) for host in hosts}
        self._seen: dict[tuple[str, str], SitePermission] = {}

    @property
    def permissions_seen(self) -> tuple[SitePermission, ...]:
        """The permission files that something was fetched under, each version once, as they came."""
        return tuple(self._seen.values())

    def fetch(self, url: str, max_bytes: int, accept: str = "*/*") -> Fetched:
        """Return a file; a redirect is followed within the host, three times at most, each asked about anew.

        Raises NetworkOff, AddressRefused, HostNotAllowed, SitePermissionMissing, SiteForbids, FileTooLarge or
        FetchFailed.
        """
        if not self._hosts:
            raise NetworkOff("The network is off: no host may be fetched from.")
        address = read_address(url)
        for _ in range(1 + REDIRECTS_MAX):
            permission = self._require(address)
            answer = self._host(address.host).polite.ask(address, max_bytes, accept)
            if why := why_headers_forbid(answer.headers):
                raise SiteForbids(f"{address} may not be used: {why}.")
            if answer.status not in _MOVED:
                return _fetched(address, answer, permission)
            target = follow(address, answer.header("location") or "")
            if target.host != address.host:
                raise HostNotAllowed(f"{address} redirects to another host, {target.host}.")
            address = target
        raise FetchFailed(f"{url} redirects more than {REDIRECTS_MAX} times.")

    def read_permission(self, name: str) -> SitePermission:
        """Return a host's permission file as it is now. Raises what ``fetch`` raises.

        SitePermissionMissing says that there is none; FetchFailed says nothing about it.
        """
        host = self._host(read_host(name))
        address = WebAddress(read_host(name), PERMISSION_PATH)
        try:
            answer = host.polite.ask(address, FILE_BYTES_MAX, "text/plain")
        except FileTooLarge as error:
            raise SitePermissionMissing(f"{address} is too large for a permission file.") from error
        if answer.status != HTTPStatus.OK:
            raise SitePermissionMissing(f"There is no {address}: the site answers with {answer.status}.")
        if answer.media_type != "text/plain":
            raise SitePermissionMissing(f"{address} is not plain text.")
        return parse_site_permission(answer.body, address.host, self._clock())

    def _require(self, address: WebAddress) -> SitePermission:
        """Return the permission under which an address may be fetched now, or raise why it may not."""
        rules = self._rules(address.host)
        permission = rules.permission
        if why := permission.why_not(address.path, self.operator, self._purposes, self._clock()):
            raise SitePermissionMissing(f"The permission file of {address.host} {why}.")
        if why := rules.robots.why_not(address.path) or rules.tdm.why_not(address.path):
            raise SiteForbids(f"{address} may not be fetched: {why}.")
        return self._seen.setdefault((address.host, permission.digest), permission)

    def _rules(self, name: str) -> _Rules:
        """Return a host's rules, read anew once an hour; where there were none, raise why."""
        host = self._host(name)
        with host.polite.lock:
            if host.rules is None or self._wire.monotonic() >= host.rules_until:
                try:
                    host.rules, kept = self._read_rules(name, host.polite), RULES_KEPT
                except SourceError as error:
                    host.rules, kept = error, FAILURE_KEPT if isinstance(error, FetchFailed) else RULES_KEPT
                host.rules_until = self._wire.monotonic() + kept
            if isinstance(host.rules, SourceError):
                raise type(host.rules)(str(host.rules))
            return host.rules

    def _read_rules(self, name: str, polite: PoliteHost) -> _Rules:
        permission = self.read_permission(name)
        robots = parse_robots(_read_signals(polite, WebAddress(name, ROBOTS_PATH)))
        tdm = parse_tdm(_read_signals(polite, WebAddress(name, TDM_PATH)))
        if robots.delay > ASKED_WAIT_MAX:
            raise SiteForbids(f"The robots.txt of {name} asks to wait {robots.delay:.0f} seconds each time.")
        polite.between = max(SECONDS_BETWEEN, robots.delay)
        return _Rules(permission, robots, tdm)

    def _host(self, name: str) -> _Host:
        if not self._hosts:
            raise NetworkOff("The network is off: no host may be fetched from.")
        if name not in self._hosts:
            raise HostNotAllowed(f"'{name}' is not on the list of hosts that may be fetched from.")
        return self._hosts[name]


def _read_signals(polite: PoliteHost, address: WebAddress) -> bytes:
    """Return a file by which a site may forbid; none is empty, and one that cannot be read forbids all."""
    try:
        answer = polite.ask(address, SIGNALS_BYTES_MAX, "*/*")
    except FileTooLarge as error:
        raise SiteForbids(f"{address} is too large to be read; it may forbid what is asked.") from error
    if answer.status == HTTPStatus.OK:
        if answer.is_packed:
            raise SiteForbids(f"{address} is sent packed, and is not read; it may forbid what is asked.")
        return answer.body
    if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:  # RFC 9309, 2.3.1.3
        return b""
    raise SiteForbids(f"{address} answers with status {answer.status}; it may forbid what is asked.")


def _fetched(address: WebAddress, answer: Answer, permission: SitePermission) -> Fetched:
    if answer.status != HTTPStatus.OK:
        raise FetchFailed(f"{address} answers with status {answer.status}.")
    if answer.is_packed:
        raise FetchFailed(f"{address} is sent packed, which was not asked for.")
    etag = answer.header("etag")
    return Fetched(answer.body, answer.media_type, etag and plain(etag), str(address), permission.digest)
