"""The photographs of one IIIF manifest, version 2 or 3, and what it says of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from lineament.core.words import is_plain, is_web_address, plain
from lineament.sources.iiif_json import TEXT_MAX, Node, id_of, kind_of, nodes, text_of

IMAGES_MAX = 10_000  # of one manifest
_METADATA_MAX = 100  # entries of one photograph
_NAME_MAX = 100  # characters
_STEPS_MAX = 5  # from an annotation's body to its image


@dataclass(frozen=True)
class Photograph:
    """One image of one canvas; ``image`` is None for a canvas that has none. ``path`` is the canvas's id."""

    path: str
    image: Node | None
    manifest: Node
    canvas: Node
    is_one_of_several: bool
    shared: Mapping[str, str]  # the manifest's metadata

    @property
    def page(self) -> str | None:
        """The web page about it: a homepage, or else the manifest."""
        pages = (self._said("homepage"), self._said("related"), self.manifest)
        found = (id_of(one) for value in pages for one in (value if isinstance(value, list) else [value]))
        return next(filter(_is_page, found), None)

    @property
    def caption(self) -> str | None:
        """The label of the manifest, with that of the canvas where there are several."""
        whole, part = text_of(self.manifest.get("label")), text_of(self.canvas.get("label"))
        if whole and part and self.is_one_of_several and whole != part:
            return f"{whole}: {part}"
        return whole or part

    @property
    def date(self) -> str | None:
        """When it was made, as far as it says so for navigation."""
        return text_of(self._said("navDate"))

    @property
    def credit(self) -> str | None:
        """The statement that must be shown, or else who provides it."""
        required, providers = self._said("requiredStatement"), nodes(self._said("provider"))
        return (
            text_of(required.get("value") if isinstance(required, dict) else None)
            or text_of(self._said("attribution"))
            or next((text_of(one.get("label")) for one in providers), None)
        )

    @property
    def licence(self) -> str | None:
        """The address of the licence or rights statement."""
        return text_of(self._said("rights")) or text_of(self._said("license"))

    @property
    def extra(self) -> Mapping[str, str]:
        """The metadata by their names, the canvas's before the manifest's, and the manifest's id."""
        where = {"manifest": plain(id_of(self.manifest))} if id_of(self.manifest) else {}
        return {**self.shared, **_metadata(self.canvas), **where}

    def _said(self, name: str) -> object:
        """Return a value of the canvas where it has one, else the manifest's."""
        return self.canvas.get(name) or self.manifest.get(name)


def _is_page(address: str) -> bool:
    return len(address) <= TEXT_MAX and is_plain(address) and is_web_address(address)


def photographs(manifest: Node) -> list[Photograph]:
    """Return the images of a manifest in the order of its canvases, 10,001 at most."""
    return list(islice(_photographs(manifest), IMAGES_MAX + 1))


def _photographs(manifest: Node) -> Iterator[Photograph]:
    canvases = list(_canvases(manifest))
    several, shared = len(canvases) > 1, _metadata(manifest)
    for number, canvas in enumerate(canvases, start=1):
        path = plain(id_of(canvas) or f"{id_of(manifest)}#canvas-{number}")
        images: list[Node | None] = [*_images(canvas)]
        for position, image in enumerate(images or [None], start=1):
            place = path if position == 1 else f"{path}#image-{position}"
            yield Photograph(place, image, manifest, canvas, several, shared)


def _metadata(node: Node) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for entry in nodes(node.get("metadata"))[:_METADATA_MAX]:
        name, value = text_of(entry.get("label")), text_of(entry.get("value"))
        if name and value and len(name) <= _NAME_MAX:
            found.setdefault(name, value)
    if summary := text_of(node.get("summary") or node.get("description")):
        found.setdefault("summary", summary)
    return found


def _canvases(manifest: Node) -> Iterator[Node]:
    """Yield the canvases of version 3, or of the sequences of version 2, each once."""
    listed = nodes(manifest.get("items"))
    for sequence in nodes(manifest.get("sequences")):
        listed += nodes(sequence.get("canvases"))
    seen: set[str] = set()
    for canvas in listed:
        if not id_of(canvas) or id_of(canvas) not in seen:
            seen.add(id_of(canvas))
            yield canvas


def _images(canvas: Node) -> Iterator[Node]:
    """Yield the images that are painted on a canvas; of a choice, the first."""
    bodies = [one for annotation in nodes(canvas.get("images")) for one in nodes(annotation.get("resource"))]
    for page in nodes(canvas.get("items")):
        for annotation in nodes(page.get("items")):
            if annotation.get("motivation", "painting") in ("painting", ["painting"]):
                bodies += nodes(annotation.get("body"))
    yield from filter(None, map(_image, bodies))


def _image(body: Node) -> Node | None:
    for _ in range(_STEPS_MAX):
        kind = kind_of(body)
        if kind == "Image" or str(body.get("format", "")).startswith("image/"):
            return body
        if kind not in {"Choice", "SpecificResource"}:
            return None
        parts = ("items", "default") if kind == "Choice" else ("source", "full")
        body = next((one for part in parts for one in nodes(body.get(part))), {})
    return None
