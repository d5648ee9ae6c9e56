"""What is known of a photograph is named in words, on every page and in every report."""

import pytest

from lineament.app.film_faces import SAME_AS, SEEN_UNTIL
from lineament.core.wording import origin_in_words
from lineament.vision.credentials import CREDENTIAL_NAMES
from lineament.vision.exif import EXIF_NAMES

READ_HERE = [
    *(f"exif:{name}" for name in sorted(EXIF_NAMES)),
    *(f"c2pa:{name}" for name in sorted(CREDENTIAL_NAMES)),
    SAME_AS,
    SEEN_UNTIL,
]


@pytest.mark.parametrize("name", READ_HERE)
def test_whatever_lineament_reads_itself_has_words(name: str):
    """No name of a format is shown to people."""
    words = origin_in_words(name)
    assert ":" not in words
    assert words[0].isupper()


def test_a_name_of_the_source_stays_as_it_is():
    """But for the capital letter that a label begins with."""
    assert [origin_in_words(name) for name in ("person", "shelf", "inventoryNumber", "my:own")] == [
        "Person",
        "Shelf",
        "InventoryNumber",
        "My:own",
    ]
