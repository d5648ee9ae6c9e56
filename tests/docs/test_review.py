"""docs/review.md says what examiners go through and may conclude, in the words of the program."""

from lineament.app.casework import blind, pairs, seeds
from lineament.core.review import WORDING, Component
from tests.samples import REPOSITORY

TEXT = (REPOSITORY / "docs" / "review.md").read_text("utf-8")


def test_every_component_is_listed_in_order():
    """As the form asks for them."""
    (listed,) = [part for part in TEXT.split("\n\n") if part.startswith("`skin`")]
    assert listed.replace("\n", " ") == ", ".join(f"`{one}`" for one in Component)


def test_every_conclusion_has_its_one_wording():
    """In the order of the scale."""
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{conclusion}` | {wording} |" for conclusion, wording in WORDING.items()]


def test_the_numbers_are_those_of_the_program():
    """How many pairs, for how long, how large, and of how many faces."""
    assert (blind.OPEN_MAX, blind.HELD.days, pairs.SIDE) == (3, 7, 800)
    assert (seeds.LOOKALIKES_MAX, f"{seeds.FACES_MAX:,}") == (200, "2,000")
    for words in ("at most three at a time", "seven days", "800 px", "200 pairs", "more than 2,000"):
        assert words in TEXT.replace("\n", " ")
