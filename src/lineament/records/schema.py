"""The tables. Times are ISO 8601 UTC text; ids are random hex; documents are JSON text.

One counter, ``revision``, rises with every change to what can be searched. A template carries the revision
that added it and the collection it is in, so that an index can follow and faces can be counted from one index
of the database; a collection carries the revision that last changed it, so that a search can be pinned.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

state = Table(
    "state",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("revision", Integer, nullable=False),
    # Under which terms the last act was done: digests, as in the ledger's entries for their changes.
    Column("policy", Text),
    Column("contract", Text),
    Column("calibration", Text),
    Column("pack", Text, ForeignKey("model_pack.name")),  # null: the pack that ships
)

model_pack = Table(  # packs that were added, under the terms that were accepted
    "model_pack",
    metadata,
    Column("name", Text, primary_key=True),
    Column("contract", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of its pack.toml
    Column("terms", Text, nullable=False),  # SHA-256 of the text that was accepted, kept in the blobs
    Column("accepted_by", Text, ForeignKey("person.id"), nullable=False),
    Column("accepted_at", Text, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("roles", JSON, nullable=False),
)

credential = Table(  # sign-in links, sessions and API tokens: only digests are kept
    "credential",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of the secret
    Column("kind", Text, nullable=False),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text),
)

collection = Table(
    "collection",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("left_out", Boolean, nullable=False),  # of a change of the model pack: not searched until migrated
)

permission = Table(  # every change is a new version; the newest one counts
    "permission",
    metadata,
    Column("collection_id", Text, ForeignKey("collection.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", JSON, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("recorded_by", Text, ForeignKey("person.id"), nullable=False),
    Column("recorded_at", Text, nullable=False),
)

image = Table(
    "image",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection_id", Text, ForeignKey("collection.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("contract", Text, nullable=False),  # the newest contract that this image went through
    Column("media_type", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("source_url", Text),
    Column("page_url", Text),
    Column("caption", Text),
    Column("credit", Text),
    Column("extra", JSON, nullable=False),
    Column("ingest_id", Text, nullable=False),
    UniqueConstraint("collection_id", "sha256"),
)

face = Table(
    "face",
    metadata,
    Column("id", Text, primary_key=True),
    Column("image_id", Text, ForeignKey("image.id"), nullable=False, index=True),
    Column("box", JSON, nullable=False),
    Column("landmarks", JSON, nullable=False),
    Column("score", Float, nullable=False),
    Column("quality", JSON, nullable=False),
    Column("drawn", Boolean, nullable=False),
)

template = Table(
    "template",
    metadata,
    Column("face_id", Text, ForeignKey("face.id"), primary_key=True),
    Column("contract", Text, primary_key=True),
    Column("collection_id", Text, ForeignKey("collection.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),  # little-endian float32, L2-normalised
)

face_count = Table(  # how many templates there are: every search asks, and counting them takes too long
    "face_count",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("collection_id", Text, ForeignKey("collection.id"), primary_key=True),
    Column("faces", Integer, nullable=False),
)

ingest = Table(
    "ingest",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection_id", Text, ForeignKey("collection.id"), nullable=False),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("counts", JSON),
    Column("salt", LargeBinary, nullable=False),
)

rejection = Table(
    "rejection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ingest_id", Text, ForeignKey("ingest.id"), nullable=False, index=True),
    Column("path", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("sentence", Text, nullable=False),
)

search = Table(
    "search",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("outcome", Text, nullable=False),
    Column("reasons", JSON, nullable=False),  # why refused or failed: [{code, sentence}]
    Column("purpose", Text, nullable=False),
    Column("case_reference", Text),
    Column("collections", JSON, nullable=False),  # pinned: [{id, name, revision}]
    Column("policy", Text, nullable=False),
    Column("contract", Text),
    Column("mode", Text),
    Column("threshold", Float),
    Column("limit", Integer),
    Column("salt", LargeBinary, nullable=False),
    Column("probes", JSON, nullable=False),  # photographs of one person: [{sha256, size, faces, face}]
    Column("searched_faces", Integer),
    Column("truncated", Integer),
)

candidate = Table(
    "candidate",
    metadata,
    Column("search_id", Text, ForeignKey("search.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("rank", Integer, nullable=False),  # copies of one photograph share a rank
    Column("face_id", Text, ForeignKey("face.id"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("strangers", Float),  # expected strangers at this score; null where not measured
    Column("strangers_at_most", Integer),
)

shown_list = Table(  # what a person has been shown of a search, each different list once
    "shown_list",
    metadata,
    Column("search_id", Text, ForeignKey("search.id"), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    Column("list", Text, primary_key=True),  # the commitment in the ledger's entry
)

sign_in_failure = Table(  # links that did not open, until a burst of them is on record
    "sign_in_failure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("search_id", Text, index=True),  # the search that it is about, if any
    Column("entry", LargeBinary, nullable=False),
)

Index(
    "ix_template_contract_revision_collection_id",
    template.c.contract,
    template.c.revision,
    template.c.collection_id,
)
Index("ix_search_person_id_started_at", search.c.person_id, search.c.started_at)
