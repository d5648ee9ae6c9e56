"""Tricks that are known to lead a server where it must not go: none of them gets a byte out.

The list is that of OWASP's cheat sheet on server-side request forgery, of PayloadsAllTheThings and of Orange
Tsai's talks on URL parsers, with what this installation promises besides. A canary on loopback stands for
every place but the museum, and hears nothing.
"""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Iterator
from dataclasses import replace
from itertools import repeat

import pytest

from lineament.errors import AddressRefused, FetchFailed, FileTooLarge, HostNotAllowed, SourceError
from lineament.sources.public_internet import is_public
from lineament.sources.site_permission import PERMISSION_PATH
from lineament.sources.web_address import read_address
from tests.sources.internet import MUSEUM, MUSEUM_IP, OTHER, OTHER_IP, Internet, an_internet, http, permission

ONE_MB = 1_000_000
PHOTO = f"https://{MUSEUM}/photo.jpg"

ADDRESSES = [
    # another scheme, or none
    f"http://{MUSEUM}/",
    f"ftp://{MUSEUM}/photo.jpg",
    "file:///etc/passwd",
    "file://museum.example.org/etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/",
    "data:image/png;base64,iVBORw0KGgo=",
    f"jar:https://{MUSEUM}/a.zip!/b",
    "javascript:alert(1)",
    f"//{MUSEUM}/photo.jpg",
    f"https:{MUSEUM}/photo.jpg",
    f"https:/{MUSEUM}/photo.jpg",
    f"https:///{MUSEUM}/photo.jpg",
    f"url:https://{MUSEUM}/",
    "",
    # an IP address, in every way to write one
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://0177.0x0.0.1/",
    "https://00000000177.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/latest/meta-data/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]/",
    "https://[fe80::1%25lo]/",
    "https://[64:ff9b::7f00:1]/",
    f"https://{MUSEUM_IP}/photo.jpg",
    # a name that is not on the list, or is made to look like one that is
    "https://localhost/",
    "https://localhost.localdomain/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://127.0.0.1.nip.io/",
    "https://7f000001.rbndr.example.com/",
    f"https://{MUSEUM}.evil.example.com/",
    f"https://evil-{MUSEUM}/",
    f"https://evil.example.com?{MUSEUM}",
    f"https://evil.example.com#{MUSEUM}",
    f"https://evil.example.com/{MUSEUM}",
    f"https://*.{MUSEUM}/",
    f"https://_.{MUSEUM}/",
    f"https://{MUSEUM}./photo.jpg",
    f"https://.{MUSEUM}/photo.jpg",
    "https://museum..example.org/photo.jpg",
    f"https://{'a' * 64}.example.org/",
    f"https://{'a.' * 2_000}org/",
    f"https://{MUSEUM}/{'a' * 5_000}",
    # a user, a port, a backslash
    f"https://{MUSEUM}@127.0.0.1/",
    f"https://127.0.0.1@{MUSEUM}/photo.jpg",
    f"https://user:secret@{MUSEUM}/photo.jpg",
    f"https://{MUSEUM}:80@127.0.0.1/",
    f"https://127.0.0.1:6379@@{MUSEUM}/",
    f"https://{MUSEUM}:8443/photo.jpg",
    f"https://{MUSEUM}:22/photo.jpg",
    f"https://{MUSEUM}:/photo.jpg",
    f"https://{MUSEUM}:0443/photo.jpg",
    f"https://{MUSEUM}:443:80/photo.jpg",
    f"https://{MUSEUM}:443@127.0.0.1/",
    f"https://{MUSEUM}\\@127.0.0.1/",
    f"https://127.0.0.1\\.{MUSEUM}/",
    f"https:\\\\{MUSEUM}\\photo.jpg",
    # characters that one program drops and the next one keeps
    f" https://{MUSEUM}/photo.jpg",
    f"https://{MUSEUM}/photo.jpg\n",
    f"ht\ttps://{MUSEUM}/photo.jpg",
    f"https://127.0.0.1\t.{MUSEUM}/",
    f"https://127.0.0.1\n.{MUSEUM}/",
    f"https://127.0.0.1\x00.{MUSEUM}/",
    f"https://{MUSEUM} 127.0.0.1/",
    f"https://{MUSEUM}/photo.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    f"https://{MUSEUM}/photo.jpg%0d%0aHost:%20127.0.0.1",
    f"https://{MUSEUM}/photo.jpg%00.png",
    f"https://{MUSEUM}/%zz",
    f"https://{MUSEUM}/a b.jpg",
    f"https://{MUSEUM}/a\\b.jpg",
    "https://%31%32%37.0.0.1/",
    "https://museum%2eexample%2eorg/photo.jpg",
    f"https://127.0.0.1%23@{MUSEUM}/",
    f"https://127.0.0.1%2f.{MUSEUM}/",
    # letters, digits and dots that only look like others
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "https://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "https://127\u30020\u30020\u30021/",
    "https://museum\u3002example\u3002org/photo.jpg",
    "https://museum\uff0eexample\uff61org/photo.jpg",
    "https://mu\u0455eum.example.org/photo.jpg",  # a Cyrillic s
    "https://mu\u00adseum.example.org/photo.jpg",  # a soft hyphen
    "https://mu\u200dseum.example.org/photo.jpg",  # a joiner
    "https://\uff4duseum.example.org/photo.jpg",
    "https://museum.example.\uff4frg/photo.jpg",
    "https://xn--museum-.example.org/photo.jpg",
    "https://\u202emuseum.example.org/photo.jpg",
    "https://\ud800.example.org/",
    # a way out of the permitted place
    f"https://{MUSEUM}/open/../private/photo.jpg",
    f"https://{MUSEUM}/open/%2e%2e/private/photo.jpg",
    f"https://{MUSEUM}/open/%252e%252e/private/photo.jpg",
    f"https://{MUSEUM}/open/..%2fprivate/photo.jpg",
    f"https://{MUSEUM}/open/..%5cprivate/photo.jpg",
    f"https://{MUSEUM}/open/..;/private/photo.jpg",
    f"https://{MUSEUM}/./photo.jpg",
]

NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "168.63.129.16",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "2002:7f00:1::",
    "2002:808:808::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "2606:4700::1%eth0",
    "127.1",
    "localhost",
    "",
]

LOCATIONS = [
    "https://127.0.0.1/",
    "//127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://169.254.169.254/latest/meta-data/",
    f"https://{OTHER}/photo.jpg",
    f"//{OTHER}/photo.jpg",
    f"http://{MUSEUM}/photo.jpg",
    f"https://{MUSEUM}:8443/photo.jpg",
    f"https://{MUSEUM}.:443/photo.jpg",
    f"https://user@{MUSEUM}/photo.jpg",
    f"https://{MUSEUM}@127.0.0.1/",
    f"https://{MUSEUM}\\@127.0.0.1/",
    "\\\\127.0.0.1\\share",
    "/\\127.0.0.1/",
    "///127.0.0.1/",
    "https:///127.0.0.1/",
    "ftp://127.0.0.1/photo.jpg",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "https://127.0.0.1\t/",
    "https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/",
    "https://[127.0.0.1/",
    "https://" + "a" * 5_000,
]


@pytest.fixture
def net() -> Iterator[Internet]:
    """The museum, another site, and a canary everywhere else."""
    with an_internet() as made:
        made.site({})
        made.site({}, OTHER, OTHER_IP)
        yield made
        assert made.canary.connections == 0
        assert made.sites[OTHER].connections == 0


def test_there_are_more_than_sixty():
    """And none is there twice."""
    assert len(set(ADDRESSES)) == len(ADDRESSES) > 60
    assert len({*ADDRESSES, *NOT_PUBLIC, *LOCATIONS}) > 150


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_an_address_that_is_not_plainly_of_the_museum_is_not_asked(net: Internet, address: str):
    """Nothing is connected to; not even the museum hears of it."""
    with pytest.raises((AddressRefused, HostNotAllowed)):
        net.fetcher().fetch(address, ONE_MB)
    assert net.connected == []
    assert net.resolved == []


@pytest.mark.parametrize("address", NOT_PUBLIC, ids=ascii)
def test_a_name_that_leads_inside_is_not_connected_to(net: Internet, address: str):
    """Whether it leads there alone, or also to a public address, before or after."""
    for answer in ([address], [MUSEUM_IP, address], [address, MUSEUM_IP]):
        net.names[MUSEUM] = answer
        with pytest.raises(AddressRefused, match="not on the public internet"):
            net.fetcher().fetch(PHOTO, ONE_MB)
    assert net.connected == []


@pytest.mark.parametrize("location", LOCATIONS, ids=lambda text: ascii(text[:40]))
def test_a_redirect_elsewhere_is_not_followed(net: Internet, location: str):
    """Nor is one that the permission file or robots.txt answers with."""
    moved = http("", "302 Found").replace(b"\r\n", f"\r\nLocation: {location}\r\n".encode(), 1)
    site = net.site({"/photo.jpg": moved})
    with pytest.raises((AddressRefused, HostNotAllowed, FetchFailed)):
        net.fetcher().fetch(PHOTO, ONE_MB)
    assert site.paths[-1] == "/photo.jpg"
    for path in (PERMISSION_PATH, "/robots.txt", "/.well-known/tdmrep.json"):
        site = net.site({path: moved, "/photo.jpg": http(b"a photograph")})
        with pytest.raises(SourceError):
            net.fetcher().fetch(PHOTO, ONE_MB)
        assert "/photo.jpg" not in site.paths
    assert set(net.connected) == {MUSEUM_IP}


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "[::1]", "*", "*.example.org", f"{MUSEUM}:8443", "2130706433"]
)
def test_the_list_itself_cannot_lead_inside(net: Internet, name: str):
    """A host that is none is refused when the Fetcher is made."""
    with pytest.raises(AddressRefused):
        net.fetcher(hosts=[name])


def test_a_name_that_changes_its_mind_is_believed_once(net: Internet):
    """Its public address is the one that is connected to; the private one that follows is never used."""
    answers = iter([[MUSEUM_IP], ["127.0.0.1"], [MUSEUM_IP], ["10.0.0.1"]])
    net.names[MUSEUM] = lambda: next(answers)
    fetcher = net.fetcher()
    assert fetcher.read_permission(MUSEUM).host == MUSEUM
    assert (net.resolved, net.connected) == ([MUSEUM], [MUSEUM_IP])
    with pytest.raises(AddressRefused):
        fetcher.read_permission(MUSEUM)
    assert fetcher.read_permission(MUSEUM).host == MUSEUM
    with pytest.raises(AddressRefused):
        fetcher.fetch(PHOTO, ONE_MB)
    assert net.connected == [MUSEUM_IP] * 2


def test_a_certificate_of_another_name_or_of_nobody_known_is_no_museum(net: Internet):
    """The name that was asked for is checked, although an address was connected to."""
    net.names["third.example.org"] = [MUSEUM_IP]
    with pytest.raises(FetchFailed, match="certificate"):
        net.fetcher(hosts=["third.example.org"]).fetch("https://third.example.org/photo.jpg", ONE_MB)
    unknown = replace(net.wire(), trust=ssl.create_default_context())
    with pytest.raises(FetchFailed, match="certificate"):
        net.fetcher(wire=unknown).fetch(PHOTO, ONE_MB)
    assert net.sites[MUSEUM].requests == []


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
HOSTILE: dict[str, tuple[object, type[SourceError], str]] = {
    "an endless body": (
        lambda: [HEAD + b"\r\n", *repeat(bytes(100_000), 400)],
        FileTooLarge,
        "bytes that are read",
    ),
    "endless chunks": (
        lambda: [
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
            *repeat(b"186a0\r\n" + bytes(100_000) + b"\r\n", 400),
        ],
        FileTooLarge,
        "bytes that are read",
    ),
    "endless headers": (
        lambda: [HEAD, *(b"X-%d: %s\r\n" % (n, b"a" * 1_000) for n in range(4_000))],
        FetchFailed,
        "KB of headers",
    ),
    "one endless header": (
        lambda: [HEAD + b"X: ", *repeat(b"a" * 10_000, 400)],
        FetchFailed,
        "KB of headers",
    ),
    "endless patience asked for": (
        lambda: repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n", 1_000_000),
        FetchFailed,
        "KB of headers",
    ),
    "an endless chunk size": (
        lambda: [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *repeat(b"0" * 10_000, 400)],
        FetchFailed,
        "cannot be fetched",
    ),
    "a bomb": (
        lambda: http(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip"),
        FetchFailed,
        "sent packed",
    ),
    "a packed transfer": (
        lambda: HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        FetchFailed,
        "cannot be fetched",
    ),
    "two lengths": (
        lambda: HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        FetchFailed,
        "cannot be",
    ),
    "a negative length": (lambda: HEAD + b"Content-Length: -1\r\n\r\n", FetchFailed, "cannot be fetched"),
    "too little": (lambda: http(b"abc", Content_Length="100"), FetchFailed, "cannot be fetched"),
    "an end that nobody vouches for": (
        lambda: HEAD + b"\r\nhalf a photogr",
        FetchFailed,
        "cannot be fetched",
    ),
    "no HTTP at all": (lambda: b"220 mail.example.org ESMTP\r\n", FetchFailed, "cannot be fetched"),
    "an answer of the old kind": (lambda: b"<html>hello</html>", FetchFailed, "cannot be fetched"),
    "nothing": (lambda: b"", FetchFailed, "cannot be fetched"),
    "another protocol": (
        lambda: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
        FetchFailed,
        "cannot be fetched|ends before",
    ),
    "a header in two lines": (lambda: HEAD + b"X: a\r\n\x00b\r\n\r\n", FetchFailed, "cannot be fetched"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_answer_that_means_harm_is_a_sentence(net: Internet, what: str):
    """However much is sent, no more than the limit is read of it."""
    answer, error, said = HOSTILE[what]
    net.site({"/photo.jpg": answer})  # type: ignore[dict-item]
    net.time.each = 0.01
    with pytest.raises(error, match=said):
        net.fetcher().fetch(PHOTO, ONE_MB)


@pytest.mark.parametrize(
    "part", [b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\n"], ids=["head", "header", "body"]
)
def test_a_site_that_falls_silent_is_not_waited_for(net: Internet, part: bytes):
    """Before its answer, in the middle of its headers, and in the middle of its body."""

    def silent() -> Iterator[bytes]:
        yield part
        net.sites[MUSEUM].closing.wait(30)

    net.site({"/photo.jpg": silent})
    with pytest.raises(FetchFailed, match="sends nothing for too long"):
        net.fetcher(wire=net.wire(idle_seconds=0.2)).fetch(PHOTO, ONE_MB)


@pytest.mark.parametrize("start", [b"", HEAD + b"Content-Length: 30000\r\n\r\n"], ids=["header", "body"])
def test_a_site_that_sends_a_byte_now_and_then_is_cut_off(net: Internet, start: bytes):
    """It is never idle, and the whole takes too long: each look at the clock is five seconds here."""

    def drip() -> Iterator[bytes]:
        yield start
        yield from repeat(b"X", 30_000)

    net.site({PERMISSION_PATH: drip})
    net.time.each = 5.0
    with pytest.raises(FetchFailed, match="longer than 120 seconds"):
        net.fetcher().read_permission(MUSEUM)


def test_a_site_that_is_no_https_is_a_sentence(net: Internet):
    """Plain HTTP on the port is not spoken to."""
    net.names[MUSEUM] = ["151.101.9.9"]
    with pytest.raises(FetchFailed):
        net.fetcher(wire=net.wire(idle_seconds=1)).fetch(PHOTO, ONE_MB)
    assert net.connected == ["151.101.9.9"]
    assert not any("GET" in heard for heard in net.canary.requests)
    net.canary.connections = 0  # it was meant this time


@pytest.mark.parametrize(
    "address",
    ["151.101.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450:4001::1"],
)
def test_a_public_address_is_public(address: str):
    """Or nothing could be fetched at all; also where a network has no IPv4 of its own."""
    assert is_public(address)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HTTPS://MUSEUM.example.ORG:443/%70hoto.jpg?a=%c3%a9#part", f"https://{MUSEUM}/photo.jpg?a=%C3%A9"),
        (f"https://{MUSEUM}", f"https://{MUSEUM}/"),
        (f"https://{MUSEUM}?a", f"https://{MUSEUM}/?a"),
        (
            f"https://{MUSEUM}/iiif/a%2Fb/full/max/0/default.jpg",
            f"https://{MUSEUM}/iiif/a%2Fb/full/max/0/default.jpg",
        ),
        (f"https://{MUSEUM}/é/<1>", f"https://{MUSEUM}/%C3%A9/%3C1%3E"),
        ("https://müseum.example.org/", "https://xn--mseum-kva.example.org/"),
        (f"https://{MUSEUM}#@127.0.0.1/", f"https://{MUSEUM}/"),
    ],
)
def test_an_address_has_one_spelling(written: str, meant: str):
    """The one that rules are compared in, and that is sent."""
    assert str(read_address(written)) == meant
    assert str(read_address(meant)) == meant


def test_a_permission_of_one_place_is_not_a_way_to_another(net: Internet):
    """However the address of the other place is written."""
    site = net.site({}, allows=permission(Scope="/open/"))
    for path in ("/private", "/openly", "/open", "/%6fpen", "//open/", "/?/open/", "/private?x=/open/"):
        with pytest.raises(SourceError, match="does not cover"):
            net.fetcher().fetch(f"https://{MUSEUM}{path}", ONE_MB)
    assert set(site.paths) <= {PERMISSION_PATH, "/robots.txt", "/.well-known/tdmrep.json"}
