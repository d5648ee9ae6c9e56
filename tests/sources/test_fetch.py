"""A file is fetched where operator and site both allow it, politely, and from nowhere else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from lineament.errors import (
    AddressRefused,
    FetchFailed,
    FileTooLarge,
    HostNotAllowed,
    NetworkOff,
    SettingsInvalid,
    SiteForbids,
    SitePermissionMissing,
    SourceError,
)
from lineament.sources.fetch import RULES_KEPT, Fetcher
from lineament.sources.polite import BACK_OFF, SECONDS_BETWEEN
from lineament.sources.site_permission import PERMISSION_PATH
from lineament.sources.site_signals import ROBOTS_PATH, TDM_PATH
from tests.sources.internet import (
    CONTACT,
    MUSEUM,
    MUSEUM_IP,
    OPERATOR,
    OTHER,
    OTHER_IP,
    Internet,
    an_internet,
    http,
    permission,
    text,
)

PHOTO = f"https://{MUSEUM}/photo.jpg"
JPEG = http(b"a photograph", Content_Type="image/jpeg", ETag='"v1"')
RULES = [PERMISSION_PATH, ROBOTS_PATH, TDM_PATH]
ONE_MB = 1_000_000


@pytest.fixture
def net() -> Iterator[Internet]:
    """An internet on loopback."""
    with an_internet() as made:
        yield made


def test_a_file_comes_with_the_permission_it_was_fetched_under(net: Internet):
    """Its bytes, its type, its ETag, and the digest of the file that its owner published."""
    site, fetcher = net.site({"/photo.jpg": JPEG}), net.fetcher()
    fetched = fetcher.fetch(PHOTO, ONE_MB, "image/jpeg")
    assert (fetched.data, fetched.media_type, fetched.etag) == (b"a photograph", "image/jpeg", '"v1"')
    assert fetched.url == PHOTO
    (seen,) = fetcher.permissions_seen
    assert (fetched.permission_digest, seen.host) == (seen.digest, MUSEUM)
    assert seen.data.decode() == permission()
    assert site.paths == [*RULES, "/photo.jpg"]


def test_a_request_says_who_asks_and_asks_for_nothing_more(net: Internet):
    """Lineament, its operator and an address to write to; no cookie, no packing, nothing kept open."""
    site = net.site({"/photo.jpg": http(b"a photograph", Set_Cookie="visitor=1")})
    fetcher = net.fetcher()
    fetcher.fetch(PHOTO, ONE_MB, "image/jpeg")
    fetcher.fetch(PHOTO, ONE_MB, "image/jpeg")
    lines = site.requests[-1].split("\r\n")
    assert lines[0] == "GET /photo.jpg HTTP/1.1"
    assert sorted(lines[1:-2]) == [
        "Accept-Encoding: identity",
        "Accept: image/jpeg",
        "Connection: close",
        f"Host: {MUSEUM}",
        lines[4] if lines[4].startswith("User-Agent: Lineament/") else "User-Agent: Lineament",
    ]
    assert f"(operator {OPERATOR}; contact {CONTACT})" in site.requests[-1]


def test_without_a_host_on_the_list_the_network_is_off(net: Internet):
    """Nothing is even looked up."""
    with pytest.raises(NetworkOff):
        net.fetcher(hosts=[]).fetch(PHOTO, ONE_MB)
    with pytest.raises(NetworkOff):
        net.fetcher(hosts=[]).read_permission(MUSEUM)
    assert net.resolved == []


def test_a_host_that_is_not_on_the_list_is_not_looked_up(net: Internet):
    """Neither is one above or below it."""
    net.site({})
    for host in (OTHER, f"images.{MUSEUM}", MUSEUM.partition(".")[2]):
        with pytest.raises(HostNotAllowed):
            net.fetcher().fetch(f"https://{host}/photo.jpg", ONE_MB)
    assert net.resolved == []


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (None, "There is no https://museum"),
        (http("<html>Not here</html>", Content_Type="text/html"), "not plain text"),
        (
            http(permission(), "302 Found", Location="/elsewhere", Content_Type="text/plain"),
            "answers with 302",
        ),
        (text("x" * 40_000), "too large"),
        (text("Welcome!"), "not a field"),
        (text(permission(Operator="somebody-else.example.net")), "does not name the operator"),
        (text(permission(OTHER)), "written for another place"),
        (text(permission(Expires="2026-11-22T11:59:59Z")), "ended on 2026-11-22"),
        (text(permission(Expires="2027-06-01T00:00:00Z")), "later than in 90 days"),
        (text(permission(Scope="/open")), "does not cover /photo.jpg"),
        (text(permission(Purposes="family-reunion")), "does not allow the purpose 'archive-research'"),
    ],
)
def test_without_a_permission_file_in_force_nothing_is_fetched(
    net: Internet, published: bytes | None, said: str
):
    """Missing, malformed, foreign, expired, too long, or about something else: each means no."""
    files = {"/photo.jpg": JPEG} | ({PERMISSION_PATH: published} if published else {})
    site, fetcher = net.site(files, allows=None), net.fetcher()
    for _ in range(2):
        with pytest.raises(SitePermissionMissing, match=said):
            fetcher.fetch(PHOTO, ONE_MB)
    assert "/photo.jpg" not in site.paths
    assert site.paths.count(PERMISSION_PATH) == 1  # a no is remembered
    assert fetcher.permissions_seen == ()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({ROBOTS_PATH: text("User-agent: *\nDisallow: /photo")}, "robots.txt disallows /photo"),
        ({ROBOTS_PATH: text("User-agent: *\nContent-Usage: train-ai=n")}, "content-usage: train-ai=n"),
        ({ROBOTS_PATH: text("User-agent: *\nContent-Signal: search=yes, ai-train=no")}, "content-signal"),
        ({ROBOTS_PATH: text("User-agent: *\nCrawl-delay: 500")}, "asks to wait 500 seconds"),
        ({ROBOTS_PATH: http("", "500 Internal Server Error")}, "status 500"),
        ({ROBOTS_PATH: http("", "302 Found", Location="https://other.example.org/robots.txt")}, "status 302"),
        ({ROBOTS_PATH: text("#" * 600_000)}, "too large"),
        (
            {ROBOTS_PATH: http(gzip.compress(b"User-agent: *\nDisallow: /"), Content_Encoding="gzip")},
            "packed",
        ),
        ({TDM_PATH: http('[{"location": "/*.jpg$", "tdm-reservation": 1}]')}, "reserves the rights"),
        ({"/photo.jpg": http(b"a photograph", X_Robots_Tag="noai, noimageai")}, "x-robots-tag: noai"),
        ({"/photo.jpg": http(b"a photograph", TDM_Reservation="1")}, "reserves the rights"),
        ({"/photo.jpg": http(b"a photograph", Content_Usage="train-ai=n")}, "content-usage"),
    ],
)
def test_a_site_that_forbids_is_obeyed_whatever_its_permission_says(
    net: Internet, files: dict[str, bytes], said: str
):
    """robots.txt, preferences about AI and reserved rights can only take away."""
    net.site({"/photo.jpg": JPEG, **files})
    with pytest.raises(SiteForbids, match=said):
        net.fetcher().fetch(PHOTO, ONE_MB)


def test_a_group_for_lineament_counts_in_place_of_the_one_for_all(net: Internet):
    """So a site may forbid AI to all others and permit face search."""
    robots = "User-agent: *\nDisallow: /\nContent-Signal: ai-train=no\n\nUser-agent: Lineament\nAllow: /\n"
    net.site({"/photo.jpg": JPEG, ROBOTS_PATH: text(robots)})
    assert net.fetcher().fetch(PHOTO, ONE_MB).data == b"a photograph"


def test_requests_to_one_host_are_a_second_apart(net: Internet):
    """Also when several threads ask at once; Crawl-delay makes it longer."""
    site, fetcher = net.site({"/photo.jpg": JPEG}), net.fetcher()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: fetcher.fetch(PHOTO, ONE_MB), range(4)))
    assert site.paths == [*RULES, *["/photo.jpg"] * 4]
    assert net.time.slept == [SECONDS_BETWEEN] * 6

    net.time.slept.clear()
    net.site({"/photo.jpg": JPEG, ROBOTS_PATH: text("User-agent: *\nCrawl-delay: 7")}, OTHER, OTHER_IP)
    slow = net.fetcher(hosts=[OTHER])
    slow.fetch(f"https://{OTHER}/photo.jpg", ONE_MB)
    slow.fetch(f"https://{OTHER}/photo.jpg", ONE_MB)
    assert net.time.slept == [SECONDS_BETWEEN, SECONDS_BETWEEN, SECONDS_BETWEEN, 7.0]


def test_a_busy_site_is_waited_for_as_long_as_it_asks(net: Internet):
    """In seconds or as a date; where it does not say, five seconds and then ten."""
    busy = [
        http("", "429 Too Many Requests", Retry_After="30"),
        http("", "503 Service Unavailable", Retry_After="Sun, 22 Nov 2026 12:01:00 GMT"),
        JPEG,
        http("", "503 Service Unavailable"),
        http("", "503 Service Unavailable", Retry_After="soon"),
        JPEG,
    ]
    answers = iter(busy)
    net.site({"/photo.jpg": lambda: next(answers)})
    fetcher = net.fetcher()
    fetcher.fetch(PHOTO, ONE_MB)
    assert net.time.slept[3:] == [30.0, 60.0]
    fetcher.fetch(PHOTO, ONE_MB)
    assert net.time.slept[5:] == [SECONDS_BETWEEN, BACK_OFF, 2 * BACK_OFF]


def test_a_site_that_stays_busy_is_left_alone(net: Internet):
    """Three times at most; and one that asks for an hour is not asked again before the hour is over."""
    site = net.site({"/photo.jpg": http("", "503 Service Unavailable")})
    fetcher = net.fetcher()
    with pytest.raises(FetchFailed, match="3 times that it is busy"):
        fetcher.fetch(PHOTO, ONE_MB)
    assert site.paths.count("/photo.jpg") == 3

    site = net.site({"/p": http("", "429 Too Many Requests", Retry_After="3600")}, OTHER, OTHER_IP)
    fetcher = net.fetcher(hosts=[OTHER])
    for _ in range(2):
        with pytest.raises(FetchFailed, match="asks to be left alone for another 3600 seconds"):
            fetcher.fetch(f"https://{OTHER}/p", ONE_MB)
    assert site.paths.count("/p") == 1


def test_a_redirect_within_the_host_is_followed_and_asked_about_anew(net: Internet):
    """Three times; out of the permitted scope not once."""
    files = {f"/{n}": http("", "302 Found", Location=f"/{n + 1}") for n in range(3)} | {"/3": JPEG}
    files |= {"/away": http("", "301 Moved", Location="/private/photo.jpg"), "/private/photo.jpg": JPEG}
    files |= {"/round": http("", "307 Temporary Redirect", Location="/round"), "/bare": http("", "302 Found")}
    robots = {ROBOTS_PATH: text("User-agent: *\nDisallow: /private/\n")}
    site, fetcher = net.site(files | robots), net.fetcher()
    assert fetcher.fetch(f"https://{MUSEUM}/0", ONE_MB).url == f"https://{MUSEUM}/3"
    with pytest.raises(SiteForbids):
        fetcher.fetch(f"https://{MUSEUM}/away", ONE_MB)
    assert "/private/photo.jpg" not in site.paths
    for path in ("/round", "/bare"):
        with pytest.raises(FetchFailed, match="redirects more than 3 times"):
            fetcher.fetch(f"https://{MUSEUM}{path}", ONE_MB)


def test_a_redirect_to_another_host_is_not_followed_although_that_one_permits_it_too(net: Internet):
    """A site may not send us on; whoever wants what is there names it."""
    elsewhere = f"https://{OTHER}/photo.jpg"
    net.site({"/photo.jpg": http("", "302 Found", Location=elsewhere)})
    other = net.site({"/photo.jpg": JPEG}, OTHER, OTHER_IP)
    fetcher = net.fetcher(hosts=[MUSEUM, OTHER])
    assert fetcher.fetch(elsewhere, ONE_MB).data == b"a photograph"
    with pytest.raises(HostNotAllowed, match="redirects to another host"):
        fetcher.fetch(PHOTO, ONE_MB)
    assert other.paths == [*RULES, "/photo.jpg"]


def test_what_a_site_permits_is_read_again_each_hour(net: Internet):
    """A permission that is taken back ends what is being fetched; a changed one is another version."""
    published = [permission(), permission(Notice="https://museum.example.org/notice"), None]
    answers = (text(one) if one else http("", "410 Gone") for one in published)
    site = net.site({"/photo.jpg": JPEG, PERMISSION_PATH: lambda: next(answers)})
    fetcher = net.fetcher()
    first = fetcher.fetch(PHOTO, ONE_MB)
    assert fetcher.fetch(PHOTO, ONE_MB).permission_digest == first.permission_digest
    net.time.now += RULES_KEPT
    second = fetcher.fetch(PHOTO, ONE_MB)
    assert [one.digest for one in fetcher.permissions_seen] == [
        first.permission_digest,
        second.permission_digest,
    ]
    net.time.now += RULES_KEPT
    with pytest.raises(SitePermissionMissing, match="410"):
        fetcher.fetch(PHOTO, ONE_MB)
    assert site.paths.count("/photo.jpg") == 3


def test_a_permission_that_expires_meanwhile_ends_at_once(net: Internet):
    """The clock is asked for each file."""
    net.site({"/photo.jpg": JPEG})
    fetcher = net.fetcher()
    fetcher.fetch(PHOTO, ONE_MB)
    net.clock.turn(timedelta(days=80))
    with pytest.raises(SitePermissionMissing, match="ended on 2027-01-31"):
        fetcher.fetch(PHOTO, ONE_MB)


def test_a_site_that_cannot_be_reached_is_not_one_without_permission(net: Internet):
    """The daily check must not take a broken cable for a no; and it is tried again after a minute."""
    net.names[MUSEUM] = [MUSEUM_IP]
    fetcher = net.fetcher()
    with pytest.raises(FetchFailed):
        fetcher.read_permission(MUSEUM)
    with pytest.raises(FetchFailed):
        fetcher.fetch(PHOTO, ONE_MB)
    net.site({"/photo.jpg": JPEG})
    with pytest.raises(FetchFailed):
        fetcher.fetch(PHOTO, ONE_MB)
    net.time.now += 60
    assert fetcher.fetch(PHOTO, ONE_MB).data == b"a photograph"


def test_a_file_larger_than_asked_for_is_not_read(net: Internet):
    """Whether its length is announced or not."""
    chunks = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"400\r\n" + bytes(1024) + b"\r\n"] * 9,
    )
    net.site({"/photo.jpg": http(bytes(5_000)), "/chunks": chunks})
    for path in ("/photo.jpg", "/chunks"):
        with pytest.raises(FileTooLarge, match="4,096 bytes"):
            net.fetcher().fetch(f"https://{MUSEUM}{path}", 4096)


@pytest.mark.parametrize(
    "status", ["204 No Content", "206 Partial Content", "401 Unauthorized", "404 No", "500 No"]
)
def test_an_answer_without_the_file_is_a_sentence(net: Internet, status: str):
    """It names the status."""
    net.site({"/photo.jpg": http("", status)})
    with pytest.raises(FetchFailed, match=f"status {status[:3]}"):
        net.fetcher().fetch(PHOTO, ONE_MB)


def test_a_second_address_is_tried_when_the_first_is_silent(net: Internet):
    """Both were looked up at once and checked at once."""
    net.site({"/photo.jpg": JPEG})
    net.names[MUSEUM] = ["2a04:4e42::1", MUSEUM_IP]
    wire, refused = net.wire(), []

    def connect(address: str, seconds: float):
        if ":" in address:
            refused.append(address)
            raise OSError("Network is unreachable")
        return wire.connect(address, seconds)

    from dataclasses import replace

    fetcher = net.fetcher(wire=replace(wire, connect=connect))
    assert fetcher.fetch(PHOTO, ONE_MB).data == b"a photograph"
    assert (len(refused), len(net.resolved)) == (4, 4)


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "a (b)", "café"])
def test_a_name_that_cannot_be_sent_is_a_setting_to_mend(net: Internet, name: str):
    """Before anything is asked."""
    with pytest.raises(SettingsInvalid):
        Fetcher(name, CONTACT, [MUSEUM], [], net.clock, net.wire())
    with pytest.raises(AddressRefused):
        Fetcher(OPERATOR, CONTACT, ["not a host"], [], net.clock, net.wire())


def test_the_environment_and_the_system_decide_nothing(net: Internet, monkeypatch: pytest.MonkeyPatch):
    """A proxy that is set is not used."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{net.canary.port}")
    net.site({"/photo.jpg": JPEG})
    assert net.fetcher().fetch(PHOTO, ONE_MB).data == b"a photograph"
    assert net.canary.connections == 0


def test_every_reason_is_a_leaf_of_the_one_tree():
    """An ingest reports it and goes on."""
    for kind in (NetworkOff, HostNotAllowed, AddressRefused, SitePermissionMissing, SiteForbids, FetchFailed):
        assert issubclass(kind, SourceError)
