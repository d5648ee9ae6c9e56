"""Model packs: a folder with ``pack.toml``, its model files, and the contract that their content makes."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lineament.core.jsontext import json_bytes
from lineament.core.words import is_plain
from lineament.errors import ModelPackInvalid
from lineament.vision.align import SIDE, TEMPLATES

DEFAULT_PACK = Path(__file__).parent / "packs" / "default"
TAIL = "tail.json"  # the measured error rates, where a pack has them


@dataclass(frozen=True)
class PackFile:
    """A file of a pack, and its digest."""

    file: str
    sha256: str

    def __post_init__(self) -> None:
        _require_plain_name(self.file)


@dataclass(frozen=True)
class ModelFile(PackFile):
    """What every model of a pack states: its file, its digest, and how pixels become its input tensor.

    An input value is ``(pixel - mean) * scale``: pixel in 0..255, channels in the order of ``colour``.
    """

    colour: str
    mean: list[float]
    scale: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.colour not in ("RGB", "BGR") or len(self.mean) != 3:
            raise ValueError(f"{self.file} needs a colour of RGB or BGR and three means")


@dataclass(frozen=True)
class DetectorModel(ModelFile):
    """A detector. All lengths are in pixels of its input, whose sides are multiples of ``multiple``.

    ``long_sides`` are the scales it is run at, the finest first. The finest is run only where the others find
    nobody, or a face narrower than ``small_width`` at the second. On the third and further ones a face counts
    from ``coarse_width`` on.

    Where no score reaches ``certain_score``, a photograph is tried at other turns, and one of these must show
    a face of ``strong_score``. In a box drawn by hand a face counts from ``drawn_threshold`` on. Where the
    finest scale gives a small face ``suspect_score``, the pixels are looked at as they are.

    For YuNet: 134 portraits reached 0.921 at most upside down, and at least 0.929 upright; of
    faces 20 px wide in photographs of 4,000 px, 91 % are suspected and found.
    """

    family: str
    multiple: int
    long_sides: list[int]
    small_width: int
    coarse_width: int
    score_threshold: float
    strong_score: float
    drawn_threshold: float
    overlap_threshold: float
    certain_score: float
    suspect_score: float


@dataclass(frozen=True)
class LandmarkModel(ModelFile):
    """A model that finds five landmarks in a crop: (n, 3, side, side) in, (n, 10) and (n, 1) out.

    The crop is a square around the face, ``square`` times as long as the longer side of its box.
    """

    side: int
    square: float


@dataclass(frozen=True)
class EmbedderModel(ModelFile):
    """An embedder: (n, 3, side, side) in, (n, dimension) out.

    With ``mirror`` each face is embedded as it is and in a mirror, and the mean of both is taken.
    ``lengths`` are those of the vector, as it comes out of the model, at which a face's unified quality score
    is 0 and 100.
    """

    side: int
    dimension: int
    mirror: bool = False
    lengths: list[float] | None = None


@dataclass(frozen=True)
class Centre(PackFile):
    """A JSON list of ``dimension`` numbers; ``weight`` times it is taken from every vector.

    It is what the vectors of most faces share, and what therefore tells nobody apart.
    """

    weight: float


@dataclass(frozen=True)
class Source:
    """Where a file of a pack comes from and under which licence it may be used, as its publisher says."""

    file: str
    model: str
    licence: str
    copyright: str
    source: str
    training_data: str = "not stated"
    evaluated_on: str = "not stated"


@dataclass(frozen=True)
class ModelPack:
    """One pack. ``contract`` is the id that every template made with it carries.

    ``digest`` is ``sha256:<hex>`` of pack.toml; ``notices`` are text files with the terms of its ``sources``.
    """

    folder: Path
    name: str
    contract: str
    digest: str
    notices: tuple[str, ...]
    sources: tuple[Source, ...]
    detector: DetectorModel
    landmarks: LandmarkModel | None
    alignment: str
    embedder: EmbedderModel
    centre: Centre | None

    def files(self) -> list[PackFile]:
        """Return every file whose digest the pack names."""
        return [part for part in vars(self).values() if isinstance(part, PackFile)]

    def content(self, model: PackFile) -> bytes:
        """Return a file's bytes once they have the digest that the pack names.

        The bytes that were checked are the bytes returned: nothing is read a second time.
        Raises ModelPackInvalid when the file is missing or is another one.
        """
        try:
            content = (self.folder / model.file).read_bytes()
        except OSError as error:
            raise ModelPackInvalid(
                f"The model file {model.file} of the pack '{self.name}' cannot be read."
            ) from error
        if hashlib.sha256(content).hexdigest() != model.sha256:
            raise ModelPackInvalid(f"The model file {model.file} is not the one that its pack names.")
        return content

    def impostor_tail(self) -> dict[str, Any] | None:
        """Return the pack's measured false match rates (``tail.json``), or None where none were measured.

        Raises ModelPackInvalid when they cannot be read or were measured under another contract.
        """
        path = self.folder / TAIL
        if not path.exists():
            return None
        try:
            tail: dict[str, Any] = json.loads(path.read_bytes())
            measured_under = tail["contract"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelPackInvalid(f"{path.name} of the pack {self.name} cannot be read.") from error
        if measured_under != self.contract:
            raise ModelPackInvalid(
                f"{path.name} of the pack {self.name} was measured under another contract."
            )
        return tail


def load_pack(folder: Path = DEFAULT_PACK) -> ModelPack:
    """Read a pack's description; no model file is opened. Raises ModelPackInvalid."""
    try:
        written = (folder / "pack.toml").read_bytes()
        described = tomllib.loads(written.decode())
        _require_known(described)
        pack = ModelPack(
            folder=folder,
            name=described["name"],
            contract=contract_of(described),
            digest="sha256:" + hashlib.sha256(written).hexdigest(),
            notices=tuple(described.get("notices", ())),
            sources=tuple(map(_source, described.get("sources", ()))),
            detector=DetectorModel(**described["detector"]),
            landmarks=LandmarkModel(**described["landmarks"]) if "landmarks" in described else None,
            alignment=described["alignment"]["template"],
            embedder=EmbedderModel(**described["embedder"]),
            centre=Centre(**described["centre"]) if "centre" in described else None,
        )
        _require_terms(pack)
        return pack
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelPackInvalid(f"The model pack {folder.name} cannot be understood: {error}.") from error


def _require_known(described: dict[str, Any]) -> None:
    """Raise ValueError for a pack that asks for something which is not done here."""
    for part in described.keys() - {field.name for field in fields(ModelPack)}:
        raise ValueError(f"{part!r} is not known here")
    wanted: dict[str, tuple[Any, set[Any]]] = {
        "detector.family": (described["detector"]["family"], {"yunet", "scrfd", "retinaface"}),
        "alignment.template": (described["alignment"]["template"], set(TEMPLATES)),
        "embedder.side": (described["embedder"]["side"], {SIDE}),
    }
    for name, (value, known) in wanted.items():
        if value not in known:
            raise ValueError(f"{name} is {value!r}; known here: {', '.join(map(repr, sorted(known)))}")


def _source(described: dict[str, Any]) -> Source:
    for field in fields(Source):
        said = described.get(field.name, field.default)
        if not isinstance(said, str) or not said.strip() or not is_plain(said):
            raise ValueError(f"an entry of [[sources]] has no {field.name!r}: {described.get('file')!r}")
    return Source(**described)


def _require_terms(pack: ModelPack) -> None:
    """Raise ValueError unless every file has its source, and with it a licence."""
    for name in pack.notices:
        _require_plain_name(name)
    for file in {one.file for one in pack.files()} - {one.file for one in pack.sources}:
        raise ValueError(f"[[sources]] has no entry for {file!r}")


def _require_plain_name(name: str) -> None:
    if Path(name).name != name or name in {"", ".."} or not is_plain(name):
        raise ValueError(f"{name!r} is not a plain file name")


def contract_of(described: dict[str, Any]) -> str:
    """Return ``sha256:<hex>`` over what decides a template's values.

    Those are the model digests, the alignment, and every parameter of detection and preprocessing; the names
    of files are left out. The digest is over JSON with sorted keys and no spaces.
    """
    parts = {
        part: {key: value for key, value in described[part].items() if key != "file"}
        for part in ("detector", "landmarks", "alignment", "embedder", "centre")
        if part in described
    }
    return "sha256:" + hashlib.sha256(json_bytes(parts)).hexdigest()
