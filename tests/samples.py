"""Where the sample photographs lie."""

from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
SAMPLES = REPOSITORY / "samples"
CONGRESS = SAMPLES / "congress"
OBAMA = SAMPLES / "mated" / "obama2.jpg"
BIDEN = SAMPLES / "mated" / "biden.jpg"
SOLVAY = SAMPLES / "group" / "solvay1927.jpg"
