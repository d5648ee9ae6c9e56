"""The only place that builds objects: from settings to an installation."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from lineament.app import models, policies
from lineament.app.installation import Installation
from lineament.app.replay import replay
from lineament.config import Settings
from lineament.core.odds import Tail
from lineament.core.policy import Policy
from lineament.core.policy_file import parse_policy
from lineament.errors import (
    LedgerKeyLost,
    MasterKeyWrong,
    ModelPackInvalid,
    PolicyInvalid,
    RecordsUnusable,
    SettingsInvalid,
    SourceError,
    StorageFailed,
    WitnessesInvalid,
)
from lineament.index.engines import open_index
from lineament.index.protocol import Index
from lineament.ledger import LedgerError, Signer, WitnessPolicy
from lineament.records import ledger_entries
from lineament.records.blobs import Blobs, Documents
from lineament.records.collections import current_revision
from lineament.records.keys import DOCUMENTS, INDEX, SUPPRESSION, Keys
from lineament.records.master_key import open_master_key, stopped_rotation, take_over, write_key_file
from lineament.records.models import pack_in_use
from lineament.records.store import Records, open_records
from lineament.records.terms import read_terms
from lineament.sources import read_file
from lineament.sources.fetch import Fetcher
from lineament.vision.pack import ModelPack
from lineament.vision.pipeline import Vision


def open_installation(settings: Settings, to_migrate: bool = False) -> Installation:
    """Open the installation in the settings' data folder; the first time, make it.

    ``to_migrate`` opens it also where the pack in use is lost or damaged, with the one that ships in its
    place: packs can be listed, added and migrated to then, and nothing else be done.
    Raises StorageFailed, PolicyInvalid, WitnessesInvalid, ModelPackInvalid, LedgerKeyLost, MasterKeyWrong,
    IndexUnavailable, and what ``open_records`` raises.
    """
    data = settings.data
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(f"The data folder {data} cannot be used: {error.strerror}.") from error
    records, key, published = data / "records.sqlite3", data / "ledger-key", data / "ledger"
    has_records = records.exists() and records.stat().st_size > 0
    if not has_records and (published.exists() or key.exists()):
        raise RecordsUnusable(f"The records {records} are missing, and what is left beside them needs them.")
    # A link that leads nowhere is a policy that is missing, and not the one that ships.
    offered = read_policy(settings.policy) if os.path.lexists(settings.policy) else policies.default()
    witnesses = _witnesses(settings.witnesses)
    fetcher = open_fetcher(settings)
    opened = open_records(records)
    try:
        with opened.read() as tx:
            is_new = ledger_entries.count(tx) == 0 and not published.exists()
            pack, tail, contract = _models(settings.models, tx, to_migrate)
        policy = policies.in_force(opened, offered, datetime.now(UTC))
        keys = _keys(settings, opened)
        vision = Vision(pack, device=settings.device)
        signer = _signer(key, is_new)
    except BaseException:
        opened.close()
        raise
    blobs = Blobs(data / "blobs")
    made = Installation(
        records=opened,
        keys=keys,
        blobs=blobs,
        documents=Documents(blobs, partial(_key, opened, keys, DOCUMENTS)),
        index=_index(settings, opened, keys, vision),
        vision=vision,
        contract=contract,
        models_folder=settings.models,
        ledger_folder=published,
        signer=signer,
        witnesses=witnesses,
        fetcher=fetcher,
        policy=policy,
        tail=tail,
        clock=lambda: datetime.now(UTC),
        new_id=lambda: secrets.token_hex(16),
        new_salt=lambda: secrets.token_bytes(32),
    )
    try:
        replay(made)
    except BaseException:
        made.close()
        raise
    return made


def _models(models_folder: Path, tx: Connection, to_migrate: bool) -> tuple[ModelPack, Tail | None, str]:
    """Return a pack, its measured error rates, and the contract to act under. Raises ModelPackInvalid."""
    try:
        pack = models.load(models_folder, pack_in_use(tx))
        return pack, models.tail_of(pack), pack.contract
    except ModelPackInvalid:
        if not to_migrate:
            raise
        pack = models.load(models_folder, None)
        return pack, models.tail_of(pack), read_terms(tx).contract or pack.contract


def open_fetcher(settings: Settings, purposes: Collection[str] = ()) -> Fetcher | None:
    """Return what fetches photographs for these purposes, or None where the network is off.

    Raises SettingsInvalid, and AddressRefused for a host that is none.
    """
    if not settings.hosts:
        return None
    for name in ("operator", "contact"):
        if not getattr(settings, name).strip():
            raise SettingsInvalid(f"LINEAMENT_HOSTS is set, and LINEAMENT_{name.upper()} is not.")
    return Fetcher(
        settings.operator, settings.contact, settings.hosts, purposes, clock=lambda: datetime.now(UTC)
    )


def _keys(settings: Settings, records: Records) -> Keys:
    """Open the data keys, and make those that are not a collection's. Raises MasterKeyWrong."""
    others = (DOCUMENTS, SUPPRESSION, INDEX)
    with records.read() as tx:
        there = Keys.names(tx)
    keys = Keys(open_master_key(settings.master_key_place, is_new=not there))
    if not there.issuperset(others):
        with records.write() as tx:
            for name in others:
                keys.ensure(tx, name)
    try:
        _key(records, keys, INDEX)  # so that a wrong master key is known at once
    except MasterKeyWrong:
        after = stopped_rotation(settings.master_key_place)
        if after is None:
            raise
        keys = Keys(open_master_key(after, is_new=False))
        _key(records, keys, INDEX)
        take_over(settings.master_key_place)
    return keys


def _key(records: Records, keys: Keys, name: str) -> bytes:
    with records.read() as tx:
        return keys.get(tx, name)


def _index(settings: Settings, records: Records, keys: Keys, vision: Vision) -> Index:
    folder, key = settings.data / "index", _key(records, keys, INDEX)
    try:
        where = settings.index.get_secret_value()
        index = open_index(where, folder, vision.contract, vision.dimension, key)
    except OSError as error:
        raise StorageFailed(f"The index in {folder} cannot be used: {error.strerror}.") from error
    with records.read() as tx:
        newest = current_revision(tx)
    if index.revision > newest:  # the records were restored from a backup: it followed others
        index.clear()
    return index


def read_policy(file: Path) -> Policy:
    """Return the policy in a file. Raises PolicyInvalid that names the purpose and the field."""
    try:
        return parse_policy(read_file(file).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PolicyInvalid(f"The policy file {file} is not text in UTF-8.") from error
    except SourceError as error:
        raise PolicyInvalid(f"The policy file cannot be used: {error}") from error


def _witnesses(file: Path) -> WitnessPolicy:
    if not os.path.lexists(file):
        return WitnessPolicy.of_log_alone()
    try:
        return WitnessPolicy.parse(read_file(file))
    except (SourceError, LedgerError) as error:
        raise WitnessesInvalid(f"The file {file} cannot be used: {error}") from error


def _signer(file: Path, is_new: bool) -> Signer:
    """Open the ledger's private key: the log's name and 32 raw bytes in hex, on two lines, mode 0600.

    A key is made only for a new installation. Raises LedgerKeyLost or StorageFailed.
    """
    if not file.exists():
        if not is_new:
            raise LedgerKeyLost(f"The ledger's key {file} is missing.")
        new = Signer.generate(f"lineament.local/{secrets.token_hex(4)}")
        write_key_file(file, f"{new.name}\n{new.private_bytes().hex()}\n")
    try:
        name, private = file.read_text("ascii").split()
        return Signer.from_private_bytes(name, bytes.fromhex(private))
    except (OSError, ValueError, LedgerError) as error:
        raise LedgerKeyLost(f"The ledger's key {file} cannot be read: it does not hold a key.") from error
