"""What is evaluated: each kind of source is read as documented, and what is wrong is named by its row."""

import os
from pathlib import Path

import numpy as np
import pytest

from lineament.errors import ProtocolInvalid
from lineament.evaluation import protocol, protocol_rows
from lineament.evaluation.protocol import Protocol, StoredScores, read_protocol


def written(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def people(folder: Path, **photographs: int) -> Path:
    """One folder a person, with so many empty files."""
    for person, count in photographs.items():
        for number in range(count):
            written(folder / person, f"{number}.jpg")
    return folder


def read(source: Path, root: Path | None = None, seed: int = 0) -> Protocol:
    found = read_protocol(source, root, seed)
    assert isinstance(found, Protocol)
    return found


def stored(source: Path) -> StoredScores:
    found = read_protocol(source, None, 0)
    assert isinstance(found, StoredScores)
    return found


def test_a_folder_of_people_becomes_pairs_and_an_open_set(tmp_path: Path):
    """Every pair of one person, one photograph a person for the others; nobody is on both sides."""
    made = read(people(tmp_path / "set", ann=3, bob=2, cleo=2, dan=1))
    same = [(pair.first.path, pair.second.path) for pair in made.pairs if pair.same]
    assert len(same) == 3 + 1 + 1
    assert ("ann/0.jpg", "ann/2.jpg") in same
    assert {pair.second.path for pair in made.pairs if not pair.same} == {
        "bob/0.jpg",
        "cleo/0.jpg",
        "dan/0.jpg",
    }
    assert len(made.pairs) == 5 + 6
    assert made.open_set is not None
    enrolled = {photo.subject for photo in made.open_set.gallery}
    assert (len(enrolled), {photo.subject for photo in made.open_set.mated}) == (2, enrolled)
    assert {photo.subject for photo in made.open_set.others} == {"ann", "bob", "cleo", "dan"} - enrolled
    assert sorted(made.photographs) == sorted(set(made.photographs))


def test_the_same_seed_enrols_the_same_people(tmp_path: Path):
    """And the digest is that of the files' places, whoever is drawn."""
    folder = people(tmp_path / "set", **dict.fromkeys("abcdefghijkl", 2))
    first, again, other = (read(folder, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.digest == other.digest
    assert first.open_set != other.open_set


def test_a_large_folder_is_drawn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No more pairs of each kind than may be, none twice, none of one photograph with itself."""
    monkeypatch.setattr(protocol, "PAIRS_DRAWN", 40)
    made = read(people(tmp_path / "set", **{f"p{number}": 4 for number in range(20)}))
    for same in (True, False):
        pairs = [(pair.first.path, pair.second.path) for pair in made.pairs if pair.same == same]
        assert 20 <= len(pairs) == len(set(pairs)) <= 40
        assert all(first != second for first, second in pairs)


def test_pairs_are_read_with_their_folds_and_labels(tmp_path: Path):
    """Who is in them is the folder, unless columns say so; every further column is a label."""
    made = read(
        written(
            tmp_path,
            "pairs.csv",
            "path1,path2,same,fold,light",
            "a/1.jpg,a/2.jpg,1,3,dim",
            "a/1.jpg,b/1.jpg,0,4,",
        )
    )
    first, second = made.pairs
    assert (first.same, first.fold, first.labels, first.second.subject) == (True, 3, {"light": "dim"}, "a")
    assert (second.same, second.second.subject, second.labels) == (False, "b", {"light": ""})
    assert made.root == tmp_path
    named = read(
        written(
            tmp_path,
            "named.csv",
            "\ufeffpath1,path2,same,subject1,subject2",
            "1.jpg,2.jpg,true,x,x",
            "1.jpg,3.jpg,false,x,y",
        ),
        tmp_path / "elsewhere",
    )
    assert [pair.second.subject for pair in named.pairs] == ["x", "y"]
    assert named.root == tmp_path / "elsewhere"


def open_set(folder: Path, mated: str = "a/2.jpg,a", others: str = "c/1.jpg,c", prefix: str = "") -> Path:
    written(folder, f"{prefix}mated.csv", "path,subject", mated)
    written(folder, f"{prefix}nonmated.csv", "path,subject", others)
    return written(folder, f"{prefix}gallery.csv", "path,identity,sex", "a/1.jpg,a,f", "b/1.jpg,b,m")


def test_an_open_set_is_three_files(tmp_path: Path):
    """Named by the gallery or by their folder; the column of the person may be called identity."""
    made = read(open_set(tmp_path, prefix="lfw_"))
    assert made.name == "lfw"
    assert made.open_set is not None
    assert [(photo.subject, photo.labels) for photo in made.open_set.gallery] == [
        ("a", {"sex": "f"}),
        ("b", {"sex": "m"}),
    ]
    assert made.probes == ["a/2.jpg", "c/1.jpg"]
    open_set(tmp_path / "plain")
    assert read(tmp_path / "plain").open_set == made.open_set


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"mated": "z/1.jpg,z"}, "'z/1.jpg' is a mated probe, and its person is not enrolled."),
        ({"others": "b/2.jpg,b"}, "'b/2.jpg' is a non-mated probe, and its person is enrolled."),
        ({"mated": "a/1.jpg,a"}, "'a/1.jpg' is enrolled and searched for as well."),
        ({"mated": ",a"}, "Row 2: '' is no place of a photograph below the root."),
        ({"mated": "../a/2.jpg,a"}, "Row 2: '../a/2.jpg' is no place of a photograph below the root."),
        ({"mated": "/a/2.jpg,a"}, "Row 2: '/a/2.jpg' is no place of a photograph below the root."),
        ({"mated": "a/2.jpg,"}, "Row 2: 'subject' is empty."),
    ],
)
def test_an_open_set_that_contradicts_itself_is_refused(tmp_path: Path, more: dict[str, str], sentence: str):
    """Rates of such a set would mean nothing."""
    with pytest.raises(ProtocolInvalid) as refusal:
        read(open_set(tmp_path, **more))
    assert str(refusal.value) == sentence
    assert refusal.value.diagnostics().endswith("[protocol-invalid]")


def test_stored_scores_are_read_with_who_is_in_them(tmp_path: Path):
    """An empty score is a failure to acquire; a label with one value, or with very many, is no group."""
    lines = [f"0.{number:02},0,p{number},q{number},all,{number},{number % 2}" for number in range(60)]
    found = stored(
        written(
            tmp_path,
            "scores.csv",
            "score,mated,subject1,subject2,same-for-all,id,group",
            ",1,p1,p1,all,a,0",
            *lines,
        )
    )
    compared = found.compared
    assert (found.name, len(compared.scores), compared.subjects_known) == ("scores", 61, True)
    assert compared.scores[0] == -np.inf
    assert compared.first[0] == compared.second[0] == compared.first[2]
    assert list(compared.labels) == ["group"]


def test_without_subjects_every_score_is_of_people_of_its_own(tmp_path: Path):
    """And that is known, so that the report can say so."""
    compared = stored(written(tmp_path, "s.csv", "mated,score", "1,0.5", "0,0.1", "0,0.2")).compared
    assert not compared.subjects_known
    assert compared.first.tolist() == compared.second.tolist() == [0, 1, 2]  # drawn again row by row


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["score,mated", "high,1"], "Row 2: 'score' is no number."),
        (["score,mated", "nan,1"], "Row 2: 'score' is no number."),
        (["score,mated", "0.1,1", "0.2,maybe"], "Row 3: 'mated' is neither 1 nor 0."),
        (["score,mated", "0.1,1"], "Stored scores need some that are mated and some that are not."),
        (["score,mated", "0.1"], "Row 2 of 's.csv' has not as many cells as the header."),
        (["score,other", "0.1,1"], "'s.csv' has no column 'mated'."),
        (["score,mated,x,x", "0.1,1,2,2"], "'s.csv' names a column twice."),
        (["score,mated,", "0.1,1,2"], "'s.csv' has a column whose name is empty, too long or no plain text."),
        (
            ["score,mated,subject1,subject2", "0.1,1,a,b"],
            "Row 2: the scores are of one person, and name two subjects.",
        ),
        (["score,mated,fold", "0.1,1,x"], "Row 2: 'fold' is no whole number."),
        (
            ["score,mated," + ",".join(f"l{n}" for n in range(21))],
            "'s.csv' has more than 20 columns of labels.",
        ),
        (
            ["path1,path2,same", "a/1.jpg,a/2.jpg,1"],
            "A protocol of pairs needs some of one person and some of two.",
        ),
        (
            ["path1,path2,same,subject1,subject2", "a,b,1,x,y"],
            "Row 2: the pair is of one person, and names two subjects.",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_row(tmp_path: Path, lines: list[str], sentence: str):
    """As a spreadsheet counts them."""
    with pytest.raises(ProtocolInvalid) as refusal:
        read_protocol(written(tmp_path, "s.csv", *lines), None, 0)
    assert str(refusal.value) == sentence


def test_what_is_no_protocol_is_refused(tmp_path: Path):
    """Other columns, bytes that are no text, a cell without end, too many rows, an empty folder, nothing."""
    long = "x" * 1001
    for name, content in (
        ("columns.csv", b"a,b\n1,2\n"),
        ("bytes.csv", b"score,mated\n\xff\xfe,1\n"),
        ("long.csv", f"score,mated,name\n0.1,1,{long}\n".encode()),
        ("control.csv", b"score,mated,name\n0.1,1,\x07\n"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ProtocolInvalid, match=name):
            read_protocol(tmp_path / name, None, 0)
    for place in (tmp_path / "missing.csv", tmp_path / "x_gallery.csv", tmp_path):
        with pytest.raises(ProtocolInvalid):
            read_protocol(place, None, 0)


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    """It would never end."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ProtocolInvalid, match="no ordinary file"):
        read_protocol(tmp_path / "pipe.csv", None, 0)


def test_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file without end is not read to its end."""
    monkeypatch.setattr(protocol_rows, "ROWS_MAX", 10)
    file = written(tmp_path, "s.csv", "score,mated", *["0.1,0"] * 20)
    with pytest.raises(ProtocolInvalid, match="more than 10 rows"):
        read_protocol(file, None, 0)
    monkeypatch.setattr(protocol_rows, "BYTES_MAX", 100)
    with pytest.raises(ProtocolInvalid, match="more than the 100 bytes"):
        read_protocol(file, None, 0)
