"""What the disclosure bundle of a case costs: its size, and the time to make, check and repeat it.

python benchmarks/app/disclosure.py samples/congress [--searches 20]

Times are printed beside that of the searches themselves, which is the limit that a repetition has.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lineament import ledger
from lineament.app import sign_in
from lineament.app.casework.cases import Grounds, close, open_case
from lineament.app.casework.disclosure import disclose
from lineament.app.casework.rerun import rerun
from lineament.app.search import Request, open_search
from lineament.core.cases import Obtained
from lineament.testing import make_collection, make_installation, make_permission

PURPOSE = "missing-person"
Made = TypeVar("Made")


def timed(act: Callable[[], Made]) -> tuple[Made, float]:
    start = time.perf_counter()
    made = act()
    return made, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--searches", type=int, default=20)
    given = parser.parse_args()
    photos = sorted(given.photographs.glob("*.jpg"))[: given.searches]
    with tempfile.TemporaryDirectory() as folder:
        installation = make_installation(Path(folder) / "data")
        make_collection(installation, "archive", given.photographs, make_permission((PURPOSE,)))
        who = sign_in.operator(installation)
        case = open_case(installation, who, "K-1", "Measured", PURPOSE, Grounds("Measured."))
        request = Request(PURPOSE, ("archive",), case.reference, Obtained.ARCHIVE)
        open_search(installation, who, request, [photos[0].read_bytes()])  # the models are opened now

        def search() -> None:
            for photo in photos[1:]:
                open_search(installation, who, request, [photo.read_bytes()])

        _, searching = timed(search)
        close(installation, who, case.id)
        data, making = timed(lambda: disclose(installation, who, case.id))
        trusted = ledger.WitnessPolicy.of_log_alone(installation.signer.verifier)
        _, checking = timed(lambda: ledger.verify(data, trusted, None, ledger.Steps(lambda _step: None)))
        done, repeating = timed(lambda: rerun(installation, who, data))
        installation.close()
    searching *= len(photos) / (len(photos) - 1)
    bundle = ledger.Bundle.parse(data)
    probes = sum(len(file) for name, file in bundle.files.items() if name.startswith("probes/"))
    print(
        f"{len(photos)} searches in {searching:.1f} s; {sum(one.same for one in done)} of them the same again"
    )
    print(f"bundle: {len(data):,} bytes, of which photographs {probes:,}; {len(bundle.files)} files")
    for what, seconds in (("made", making), ("checked", checking), ("repeated", repeating)):
        print(f"{what} in {seconds:.2f} s, {seconds / searching:.2f} times the searches")


if __name__ == "__main__":
    main()
