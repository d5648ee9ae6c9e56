"""One Lineament installation: everything a use case is handed. `wiring` is the only place that builds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lineament.core.odds import Tail
from lineament.core.policy import Person, Policy, Role
from lineament.errors import RoleMissing
from lineament.index.protocol import Index
from lineament.ledger import Signer, WitnessPolicy
from lineament.records.blobs import Blobs, Documents
from lineament.records.keys import Keys
from lineament.records.store import Records
from lineament.sources.fetch import Fetcher
from lineament.vision.pipeline import Vision


@dataclass(frozen=True)
class Installation:
    """The rooms, the policies, the measured error rates (None without calibration), the clock and fresh ids.

    ``fetcher`` is None where the network is off.
    ``contract`` is what acts are done under: that of ``vision``, unless collections are being migrated to it.
    ``clock`` returns an aware UTC time, ``new_id`` 32 random hex digits, ``new_salt`` 32 random bytes.
    """

    records: Records
    keys: Keys
    blobs: Blobs
    documents: Documents
    index: Index
    vision: Vision
    contract: str
    models_folder: Path
    ledger_folder: Path
    signer: Signer
    witnesses: WitnessPolicy
    fetcher: Fetcher | None
    policy: Policy
    tail: Tail | None
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    new_salt: Callable[[], bytes]

    def close(self) -> None:
        """End the decode workers and close the index and the records."""
        self.vision.close()
        self.index.close()
        self.records.close()


def require(who: Person, role: Role) -> None:
    """Raise RoleMissing unless this person has the role."""
    if role not in who.roles:
        raise RoleMissing(f"This is for the role {role}.")
