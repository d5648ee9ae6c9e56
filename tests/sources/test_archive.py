"""Photographs come out of zip and tar archives with their provenance, and hostile archives do no harm."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from lineament.errors import BadRow, FileMissing, SourceUnreadable
from lineament.sources import Item, Unreadable, open_source, tar_file, zip_file
from tests.sources import made


@pytest.mark.parametrize(
    "name", ["../out.jpg", "/etc/passwd", "a/../../b.jpg", "..\\out.jpg", "C:\\x.jpg", "a\x1b[2J.jpg", "a\nb"]
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_out_or_are_not_plain_are_refused_one_by_one(tmp_path: Path, name: str, kind: str):
    """The rest of the archive is read."""
    place = tmp_path / f"reel.{kind}"
    if kind == "zip":
        made.zip_of(place, **{name: b"evil", "ok.jpg": b"good"})
    else:
        with tarfile.open(place, "w") as archive:
            made.add(archive, name, b"evil")
            made.add(archive, "ok.jpg", b"good")
    found = made.outcome(place)
    assert ("reel." + kind + "/ok.jpg", 4) in found
    assert [error for _, error in found if error != 4] == [FileMissing]
    assert "\x1b" not in str(found)


def test_an_archive_with_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A zip before anything is read; a tar once it is there, and what came before counts."""
    monkeypatch.setattr(zip_file, "MEMBERS_MAX", 5)
    monkeypatch.setattr(tar_file, "MEMBERS_MAX", 5)
    files = {f"{number}.jpg": b"x" for number in range(9)}
    assert made.outcome(made.zip_of(tmp_path / "reel.zip", **files)) == [("", SourceUnreadable)]
    with tarfile.open(tmp_path / "reel.tar", "w") as archive:
        for name, data in files.items():
            made.add(archive, name, data)
    assert [error for _, error in made.outcome(tmp_path / "reel.tar")] == [1, 1, 1, 1, 1, SourceUnreadable]


ROWS = made.sample_rows()[:3]


@pytest.mark.parametrize(("name", "make"), [("reel.zip", made.make_zip), ("reel.tgz", made.make_tar)])
def test_a_manifest_counts_at_the_top_or_in_the_only_folder(tmp_path: Path, name: str, make):
    """Paths are relative to it, and files that it does not list are left out, as in a folder."""
    for inside in ("", "photos/"):
        items = list(open_source(make(tmp_path / name, ROWS, "manifest.csv", inside)))
        assert [one.path for one in items] == [f"{name}/{inside}{row['path']}" for row in ROWS]
        assert [one.source_url for one in items] == [row["source_url"] for row in ROWS]
    make(tmp_path / name, ROWS, "manifest.csv", "one/two/")
    assert all(one.source_url is None for one in open_source(tmp_path / name))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_rows_about_what_is_not_in_the_archive_are_reported(tmp_path: Path, kind: str):
    """With their numbers; and a row that leads out of the archive, or to a link, is refused."""
    rows = (
        b"path,source_url\n"
        b"gone.jpg,https://example.org/1\n"
        b"../a.jpg,https://example.org/2\n"
        b"link.jpg,https://example.org/3\n"
        b"a.jpg,https://example.org/4\n"
        b"a.jpg,nowhere\n"
        b"./a.jpg,https://example.org/6\n"
    )
    place = tmp_path / f"reel.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(place, "w") as archive:
            link = zipfile.ZipInfo("link.jpg")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
            archive.writestr("a.jpg", b"a")
            archive.writestr("manifest.csv", rows)
    else:
        with tarfile.open(place, "w") as archive:
            made.add(archive, "link.jpg", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
            made.add(archive, "a.jpg", b"a")
            made.add(archive, "manifest.csv", rows)
    items = list(open_source(place))
    assert [one.source_url[-1] for one in items if isinstance(one, Item)] == ["4", "6"]
    errors = {str(one.error)[:6]: type(one.error) for one in items if isinstance(one, Unreadable)}
    assert errors == {"Row 2:": FileMissing, "Row 3:": BadRow, "Row 4:": FileMissing, "Row 6:": BadRow}


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_two_manifests_in_one_archive_are_refused(tmp_path: Path, kind: str):
    """Nobody can say which of them counts."""
    place = tmp_path / f"reel.{kind}"
    files = {"manifest.csv": made.csv_bytes(ROWS), "manifest.jsonl": made.jsonl_bytes(ROWS)}
    if kind == "zip":
        made.zip_of(place, **files)
    else:
        with tarfile.open(place, "w") as archive:
            for name, data in files.items():
                made.add(archive, name, data)
    with pytest.raises(SourceUnreadable, match=r"manifest\.csv and manifest\.jsonl"):
        list(open_source(place))


def test_a_manifest_that_is_a_bomb_or_no_file_stops_the_archive(tmp_path: Path):
    """Without it nobody would know where the photographs come from."""
    bomb = made.zip_of(tmp_path / "bomb.zip", **{"manifest.csv": bytes(40 * made.MEGABYTE), "a.jpg": b"a"})
    with tarfile.open(tmp_path / "link.tar", "w") as archive:
        made.add(archive, "manifest.csv", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        made.add(archive, "a.jpg", b"a")
    with tarfile.open(tmp_path / "large.tar", "w") as archive:
        made.add(archive, "manifest.csv", bytes(65 * made.MEGABYTE))
    for place in (bomb, tmp_path / "link.tar", tmp_path / "large.tar"):
        with pytest.raises(SourceUnreadable, match=r"manifest\.csv in"):
            list(open_source(place))


@pytest.mark.parametrize("name", ["reel.zip", "reel.tar", "reel.tar.gz"])
def test_no_byte_that_is_changed_brings_a_traceback(tmp_path: Path, name: str):
    """Whatever is damaged, it is photographs, sentences, or the end with a sentence."""
    chance = made.chance(4)
    make = made.make_zip if name.endswith("zip") else made.make_tar
    whole = make(tmp_path / name, ROWS, "manifest.jsonl").read_bytes()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 3, 40))):
            where = chance.randrange(len(data)) if chance.random() < 0.5 else -chance.randrange(1, 600)
            data[where] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        (tmp_path / name).write_bytes(data)
        made.outcome(tmp_path / name)
