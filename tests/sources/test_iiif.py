"""What museums publish as IIIF comes with all that they say of it, at a size that suits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.errors import (
    AddressRefused,
    FileMissing,
    HostNotAllowed,
    NetworkOff,
    SiteForbids,
    SourceError,
    SourceUnreadable,
)
from lineament.sources import iiif, iiif_manifest
from lineament.sources.iiif import open_iiif
from lineament.sources.protocol import Item, Unreadable
from tests.sources.internet import MUSEUM, OTHER, OTHER_IP, Internet, an_internet, http, permission, text
from tests.sources.test_iiif_image import info3

BASE = f"https://{MUSEUM}"
ALBUM = f"{BASE}/iiif/album/manifest.json"
SERVICE = f"{BASE}/image/1"


@pytest.fixture
def net() -> Iterator[Internet]:
    """An internet on loopback."""
    with an_internet() as made:
        yield made


def served(*documents: dict[str, Any], **files: bytes) -> dict[str, bytes]:
    """The documents at their ids, and other files."""
    return {
        **{(one.get("id") or one["@id"]).removeprefix(BASE): http(json.dumps(one)) for one in documents},
        **{f"/{path}": data for path, data in files.items()},
    }


def canvas(name: str, body: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A canvas of version 3 with one image."""
    annotation = {"type": "Annotation", "motivation": "painting", "body": body}
    page = {"type": "AnnotationPage", "items": [annotation]}
    return {"id": f"{BASE}/canvas/{name}", "type": "Canvas", "items": [page], **said}


def image(path: str = "/1.jpg", **said: Any) -> dict[str, Any]:
    return {"id": f"{BASE}{path}", "type": "Image", "format": "image/jpeg", **said}


def manifest(*canvases: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A manifest of version 3."""
    context = "http://iiif.io/api/presentation/3/context.json"
    return {"@context": context, "id": ALBUM, "type": "Manifest", "items": list(canvases), **said}


def collection(address: str, *parts: dict[str, Any], **said: Any) -> dict[str, Any]:
    return {"id": address, "type": "Collection", "label": {"en": ["All"]}, "items": list(parts), **said}


def named(document: dict[str, Any]) -> dict[str, Any]:
    """A document as a collection names it."""
    return {"id": document["id"], "type": document["type"], "label": {"en": ["..."]}}


def test_a_manifest_of_version_3_comes_with_all_it_says(net: Internet):
    """Caption, date, credit, licence, page and metadata; the canvas's word before the manifest's."""
    album = manifest(
        canvas("1", image(), label={"none": ["p. 1"]}, navDate="1936-07-18T00:00:00Z"),
        canvas(
            "2",
            image("/2.jpg"),
            label={"none": ["p. 2"]},
            metadata=[{"label": {"en": ["Photographer"]}, "value": {"none": ["Unknown"]}}],
            rights="http://rightsstatements.org/vocab/NoC-US/1.0/",
        ),
        label={"de": ["Ein Album"], "en": ["An album"]},
        summary={"en": ["Photographs of a <b>summer</b>."]},
        metadata=[
            {"label": {"en": ["Photographer"]}, "value": {"none": ["Ada", "Grace"]}},
            {"label": {"en": ["Place"]}, "value": {"en": ["<a href='https://x.example'>Bern</a>"]}},
        ],
        requiredStatement={"label": {"en": ["Credit"]}, "value": {"en": ["<p>Gift of the family</p>"]}},
        rights="http://creativecommons.org/licenses/by/4.0/",
        homepage=[{"id": f"{BASE}/album", "type": "Text", "format": "text/html"}],
    )
    net.site(served(album, **{"1.jpg": http(b"one"), "2.jpg": http(b"two")}))
    source = open_iiif(ALBUM, net.fetcher())
    assert source.size == 2
    first, second = source
    assert isinstance(first, Item)
    assert isinstance(second, Item)
    assert (first.path, first.read()) == (f"{BASE}/canvas/1", b"one")
    assert (first.source_url, first.page_url) == (f"{BASE}/1.jpg", f"{BASE}/album")
    assert (first.caption, first.date) == ("An album: p. 1", "1936-07-18T00:00:00Z")
    assert (first.credit, first.licence) == (
        "Gift of the family",
        "http://creativecommons.org/licenses/by/4.0/",
    )
    assert first.extra == {
        "Photographer": "Ada; Grace",
        "Place": "Bern",
        "summary": "Photographs of a summer.",
        "manifest": ALBUM,
    }
    assert (second.caption, second.date, second.read()) == ("An album: p. 2", None, b"two")
    assert second.licence == "http://rightsstatements.org/vocab/NoC-US/1.0/"
    assert second.extra["Photographer"] == "Unknown"
    assert first.version is None


def test_a_manifest_of_version_2_says_it_in_its_own_words(net: Internet):
    """Sequences, resources, attribution, license, related; http in an id is asked for over https."""
    album = {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": ALBUM.replace("https", "http"),
        "@type": "sc:Manifest",
        "label": [{"@value": "Un album", "@language": "fr"}, {"@value": "An album", "@language": "en"}],
        "attribution": "The Museum",
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "navDate": "1921-01-01T00:00:00Z",
        "related": {"@id": f"{BASE}/album", "format": "text/html"},
        "description": "Portraits",
        "metadata": [{"label": "Reel", "value": 3}],
        "sequences": [
            {
                "@type": "sc:Sequence",
                "canvases": [
                    {
                        "@id": f"http://{MUSEUM}/canvas/1",
                        "@type": "sc:Canvas",
                        "label": "1",
                        "images": [
                            {
                                "@type": "oa:Annotation",
                                "motivation": "sc:painting",
                                "resource": {"@id": f"http://{MUSEUM}/1.jpg", "@type": "dctypes:Image"},
                            }
                        ],
                    }
                ],
            }
        ],
    }
    net.site({"/iiif/album/manifest.json": http(json.dumps(album)), "/1.jpg": http(b"one")})
    (item,) = open_iiif(ALBUM, net.fetcher())
    assert isinstance(item, Item)
    assert (item.path, item.read()) == (f"http://{MUSEUM}/canvas/1", b"one")
    assert (item.source_url, item.page_url) == (f"{BASE}/1.jpg", f"{BASE}/album")
    assert (item.caption, item.credit, item.date) == ("An album", "The Museum", "1921-01-01T00:00:00Z")
    assert item.licence == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert item.extra == {
        "Reel": "3",
        "summary": "Portraits",
        "manifest": f"http://{MUSEUM}/iiif/album/manifest.json",
    }


def test_an_image_is_asked_for_at_the_size_that_its_service_offers(net: Internet):
    """The address that is recorded is the one that is fetched."""
    service = [{"id": SERVICE, "type": "ImageService3", "profile": "level2"}]
    info = info3(6000, 4000, sizes=[(1500, 1000), (3000, 2000), (6000, 4000)])
    album = manifest(canvas("1", image("/image/1/full/max/0/default.jpg", service=service)))
    site = net.site(
        {
            **served(album),
            "/image/1/info.json": http(json.dumps(info)),
            "/image/1/full/3000,2000/0/default.jpg": http(b"three thousand pixels wide"),
        }
    )
    (item,) = open_iiif(ALBUM, net.fetcher())
    assert isinstance(item, Item)
    assert item.source_url == f"{SERVICE}/full/3000,2000/0/default.jpg"
    assert item.read() == b"three thousand pixels wide"
    assert site.paths[-2:] == ["/image/1/info.json", "/image/1/full/3000,2000/0/default.jpg"]


def test_a_collection_is_walked_document_by_document(net: Internet):
    """Nested, with documents named twice, in a circle, and one that is gone; each is fetched once."""
    top, inner = f"{BASE}/top.json", f"{BASE}/inner.json"
    albums = [
        {**manifest(canvas(str(n), image(f"/{n}.jpg"))), "id": f"{BASE}/album{n}.json"} for n in range(3)
    ]
    gone = {"id": f"{BASE}/gone.json", "type": "Manifest"}
    circle = {"id": top, "type": "Collection"}
    inside = collection(inner, named(albums[1]), circle, named(albums[0]))
    outside = collection(top, named(albums[0]), gone, named(inside), albums[2], named(albums[1]))
    site = net.site(served(outside, inside, *albums))
    source = open_iiif(top, net.fetcher())
    assert source.size is None
    items = iter(source)
    assert next(items).path == f"{BASE}/canvas/0"
    assert site.paths[-1] == "/album0.json"
    rest = list(items)
    assert [one.path for one in rest] == [f"{BASE}/gone.json", f"{BASE}/canvas/1", f"{BASE}/canvas/2"]
    assert isinstance(rest[0], Unreadable)
    assert site.paths[3:] == ["/top.json", "/album0.json", "/gone.json", "/inner.json", "/album1.json"]
    assert [one.path for one in source if isinstance(one, Item)] == [f"{BASE}/canvas/{n}" for n in range(3)]


def test_pages_of_a_collection_of_version_2_are_turned(net: Internet):
    """First, next, and a last one that leads back to the first."""

    def page(number: int, following: int) -> dict[str, Any]:
        parts = {"@id": f"{BASE}/album{number}.json", "@type": "sc:Manifest"}
        return {
            "@id": f"{BASE}/page{number}",
            "@type": "sc:Collection",
            "manifests": [parts],
            "next": f"{BASE}/page{following}",
        }

    top = {"@id": f"{BASE}/top.json", "@type": "sc:Collection", "first": f"{BASE}/page0"}
    albums = [{**manifest(canvas(str(n), image())), "id": f"{BASE}/album{n}.json"} for n in range(3)]
    net.site(served(top, page(0, 1), page(1, 2), page(2, 0), *albums))
    assert [one.path for one in open_iiif(f"{BASE}/top.json", net.fetcher())] == [
        f"{BASE}/canvas/{n}" for n in range(3)
    ]


def test_what_a_canvas_holds_besides_a_photograph_is_told_apart(net: Internet):
    """A choice is its first image; several images are several; comments and films are no photographs."""
    choice = {"type": "Choice", "items": [image("/light.jpg"), image("/x-ray.jpg")]}
    specific = {"type": "SpecificResource", "source": image("/part.jpg")}
    comment = {"type": "AnnotationPage", "items": [{"motivation": "commenting", "body": image("/note.jpg")}]}
    both = canvas("both", image("/a.jpg"))
    both["items"][0]["items"].append({"motivation": ["painting"], "body": [image("/b.jpg")]})
    both["items"].append(comment)
    film = canvas("film", {"id": f"{BASE}/film.mp4", "type": "Video", "format": "video/mp4"})
    album = manifest(canvas("choice", choice), canvas("part", specific), both, film, canvas("empty", {}))
    net.site(served(album))
    source = open_iiif(ALBUM, net.fetcher())
    items = list(source)
    assert len(items) == source.size == 6
    assert [one.source_url for one in items if isinstance(one, Item)] == [
        f"{BASE}/{name}.jpg" for name in ("light", "part", "a", "b")
    ]
    assert [one.path for one in items[2:]] == [
        f"{BASE}/canvas/{name}" for name in ("both", "both#image-2", "film", "empty")
    ]
    assert all(isinstance(one, Unreadable) and isinstance(one.error, FileMissing) for one in items[4:])


def test_each_host_that_a_manifest_names_needs_its_own_permission(net: Internet):
    """Images on another host, on none that is listed, on one that forbids, or in the operator's network."""
    bodies = [
        {"id": f"https://{OTHER}/open/1.jpg", "type": "Image"},
        {"id": f"https://{OTHER}/closed/1.jpg", "type": "Image"},
        {"id": "https://elsewhere.example.net/1.jpg", "type": "Image"},
        {"id": "https://127.0.0.1/1.jpg", "type": "Image"},
        {"id": "https://user@museum.example.org/1.jpg", "type": "Image"},
        {**image(), "service": {"id": "https://169.254.169.254/latest", "type": "ImageService3"}},
    ]
    net.site(served(manifest(*(canvas(str(n), body) for n, body in enumerate(bodies)))))
    files = {"/open/1.jpg": http(b"one"), "/robots.txt": text("User-agent: *\nDisallow: /closed/")}
    net.site(files, OTHER, OTHER_IP, permission(OTHER))
    fetcher = net.fetcher(hosts=[MUSEUM, OTHER])
    *items, last = open_iiif(ALBUM, fetcher)
    assert isinstance(last, Unreadable)
    assert isinstance(last.error, AddressRefused)
    outcomes = []
    for one in items:
        assert isinstance(one, Item)
        try:
            outcomes.append(one.read())
        except SourceError as error:
            outcomes.append(type(error))
    assert outcomes == [b"one", SiteForbids, HostNotAllowed, AddressRefused, AddressRefused]
    assert [one.host for one in fetcher.permissions_seen] == [MUSEUM, OTHER]
    assert net.canary.connections == 0


def test_a_manifest_in_a_file_is_read_without_the_network(tmp_path: Path):
    """What it says is there; its images are not."""
    service = {"id": SERVICE, "type": "ImageService2"}
    place = tmp_path / "manifest.json"
    place.write_text(json.dumps(manifest(canvas("1", image()), canvas("2", image(service=service)))))
    first, second = open_iiif(place, None)
    assert isinstance(first, Item)
    assert first.source_url == f"{BASE}/1.jpg"
    with pytest.raises(NetworkOff):
        first.read()
    assert isinstance(second, Unreadable)
    assert isinstance(second.error, NetworkOff)
    with pytest.raises(NetworkOff):
        open_iiif(ALBUM, None)
    with pytest.raises(FileMissing):
        open_iiif(tmp_path / "nothing.json", None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"type": "Canvas"}',
        b'{"type": ["Manifest"',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"type": 5}',
        b'{"type": []}',
        b'{"a": ' * 50_000,
        b'{"type": "Manifest", "items": ' + b"1" * 5_000 + b"}",
    ],
    ids=range(12),
)
def test_what_is_no_manifest_is_refused_whole(tmp_path: Path, data: bytes):
    """A sentence, and no traceback."""
    place = tmp_path / "manifest.json"
    place.write_bytes(data)
    with pytest.raises(SourceUnreadable, match="is not"):
        open_iiif(place, None)


def test_a_page_that_cannot_be_kept_is_none(tmp_path: Path):
    """Half a character, a control character, more than 4,000: the manifest stands in its place."""
    place = tmp_path / "manifest.json"
    for end in ("\ud800", "\x1b[2J", "x" * 4_000):
        place.write_text(json.dumps(manifest(canvas("1", image()), homepage=[{"id": f"{BASE}/{end}"}])))
        (item,) = open_iiif(place, None)
        assert isinstance(item, Item)
        assert item.page_url == ALBUM


def test_what_grows_beyond_measure_is_cut_off(net: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Collections within collections, documents, and images of one manifest."""
    deep: dict[str, Any] = manifest(canvas("1", image()))
    for number in range(12):
        deep = collection(f"{BASE}/{number}", deep)
    place = tmp_path / "deep.json"
    place.write_text(json.dumps(deep))
    (item,) = open_iiif(place, None)
    assert isinstance(item, Unreadable)
    assert "more than 10 collections" in str(item.error)

    monkeypatch.setattr(iiif, "IMAGES_MAX", 3)
    monkeypatch.setattr(iiif_manifest, "IMAGES_MAX", 3)
    place.write_text(json.dumps(manifest(*(canvas(str(n), image()) for n in range(9)))))
    *items, last = open_iiif(place, None)
    assert len(items) == 3
    assert isinstance(last, Unreadable)

    monkeypatch.setattr(iiif, "DOCUMENTS_MAX", 3)
    albums = [{**manifest(canvas(str(n), image())), "id": f"{BASE}/{n}"} for n in range(5)]
    place.write_text(json.dumps(collection(f"{BASE}/top", *albums)))
    found = iter(open_iiif(place, None))
    assert [next(found).path for _ in range(2)] == [f"{BASE}/canvas/0", f"{BASE}/canvas/1"]
    with pytest.raises(SourceUnreadable, match="more than 3 documents"):
        next(found)


KEYS = [
    "id",
    "@id",
    "type",
    "@type",
    "items",
    "sequences",
    "canvases",
    "images",
    "resource",
    "body",
    "service",
    "label",
    "metadata",
    "value",
    "@value",
    "@language",
    "en",
    "none",
    "first",
    "next",
    "manifests",
    "homepage",
    "related",
    "requiredStatement",
    "provider",
    "rights",
    "license",
    "navDate",
    "format",
    "motivation",
    "source",
    "summary",
]
WORDS = [
    "Manifest",
    "sc:Collection",
    "Canvas",
    "Image",
    "Choice",
    "SpecificResource",
    "ImageService3",
    "painting",
    "image/jpeg",
    "",
    "<b>",
    "https://127.0.0.1/",
    "http://museum.example.org/1",
    "javascript:1",
]
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=40,
)


@given(
    kind=st.sampled_from(["Manifest", "Collection", "sc:Manifest"]),
    items=JUNK,
    said=st.dictionaries(st.sampled_from(KEYS[4:]), JUNK, max_size=6),
)
def test_any_json_at_all_is_photographs_or_sentences(
    tmp_path_factory: pytest.TempPathFactory, kind: str, items: Any, said: dict[str, Any]
):
    """Wrong types, missing parts and odd texts cost what they are part of, and nothing else."""
    place = tmp_path_factory.getbasetemp() / "any.json"
    place.write_text(json.dumps({**said, "type": kind, "items": items}))
    source = open_iiif(place, None)
    found = list(source)
    assert source.size in {None, len(found)}
    for one in found:
        assert isinstance(one, Item | Unreadable)
        if isinstance(one, Item):
            assert one.source_url is not None
            assert one.source_url.startswith("https://")
            assert one.page_url is None or one.page_url.startswith(("https://", "http://"))
