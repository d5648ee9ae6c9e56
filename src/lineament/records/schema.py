"""The tables. Times are ISO 8601 UTC text; ids are random hex; documents are JSON text.

One counter, ``revision``, rises with every change to what can be searched. A template carries the revision
that added it and the collection it is in, so that an index can follow and faces can be counted from one index
of the database; a removed face the revision that removed it; and a collection the revision that last changed
it, so that a search can be pinned.

Templates and stored files are sealed under a key of their photograph's own, that key under the collection's,
and that one under the master key: whichever is destroyed takes what is under it along. See ``keys.py``.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
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
    Column("offered_policy", Text),  # the one that lies in the data folder, or the one that ships
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
    Column("number", Integer, nullable=False, unique=True),  # from 1 on: the operator is the first
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

data_key = Table(  # each wrapped under the master key
    "data_key",
    metadata,
    Column("name", Text, primary_key=True),  # a collection's id, or what else it is for
    Column("wrapped", LargeBinary, nullable=False),
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
    Column("status", Text, nullable=False),
    Column("valid_from", Text, nullable=False),  # as in the document, so that SQL can compare them
    Column("valid_until", Text),
    Column("document", JSON, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("recorded_by", Text, ForeignKey("person.id"), nullable=False),
    Column("recorded_at", Text, nullable=False),
)

permission_purpose = Table(
    "permission_purpose",
    metadata,
    Column("collection_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("purpose", Text, primary_key=True),
    ForeignKeyConstraint(["collection_id", "version"], ["permission.collection_id", "permission.version"]),
)

site_permission = Table(  # the file that allows photographs of one host to be fetched for one collection
    "site_permission",
    metadata,
    Column("collection_id", Text, ForeignKey("collection.id"), primary_key=True),
    Column("host", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("file", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("checked_at", Text, nullable=False),
    Column("ended_at", Text),  # when it was found to be gone, narrowed or expired: nothing of it is shown
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
    Column("date", Text),
    Column("credit", Text),
    Column("licence", Text),
    Column("extra", JSON, nullable=False),
    Column("version", Text),  # what the source says that changes when the bytes do
    Column("key", LargeBinary, nullable=False),  # wrapped under the collection's key
    Column("phash", LargeBinary, nullable=False),  # 32 bytes that nearly the same photographs share
    Column("group_id", Text, nullable=False, index=True),  # the first image of those that are nearly the same
    Column("ingest_id", Text, nullable=False),
    UniqueConstraint("collection_id", "sha256"),
)

Index("ix_image_collection_id_path", image.c.collection_id, image.c.path)

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
    Column("vector", LargeBinary, nullable=False),  # sealed: little-endian float32, L2-normalised
)

removal = Table(  # faces that are gone, so that an index can follow
    "removal",
    metadata,
    Column("face_id", Text, primary_key=True),
    Column("revision", Integer, nullable=False, index=True),
)

withdrawal = Table(
    "withdrawal",
    metadata,
    Column("id", Text, primary_key=True),
    # It may be about a person and a collection that records restored from an older backup do not have.
    Column("person_id", Text, nullable=False),  # who recorded it here
    Column("recorded_at", Text, nullable=False),
    Column("by", Text, nullable=False),  # whose will it is: person, grantor, curator, or retention
    Column("scope", Text, nullable=False),  # face, image, source or collection
    Column("collection_id", Text, nullable=False),
    Column("subject", JSON, nullable=False),  # ids of what was withdrawn; they name nobody once it is gone
    Column("salt", LargeBinary, nullable=False),
    Column("images", Integer, nullable=False),
    Column("faces", Integer, nullable=False),
    Column("erased_at", Text),  # when absence was proved
    Column("proof", JSON),
    Column("files", JSON, nullable=False),  # names of stored files that are still to be removed
)

suppression = Table(  # what must not come back
    "suppression",
    metadata,
    Column("id", Text, primary_key=True),
    Column("withdrawal_id", Text, ForeignKey("withdrawal.id"), nullable=False, index=True),
    Column("digest", Text, index=True),  # keyed, of a photograph's bytes
    Column("phash", LargeBinary),  # sealed
    Column("contract", Text),  # of a face that its person asked to be kept out
    Column("vector", LargeBinary),  # its template, sealed; no search can return it
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
    Column("source", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("total", Integer),  # null where the source does not know
    Column("counts", JSON, nullable=False),  # so far
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

case_file = Table(
    "case_file",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("narrative", Text),
    Column("authorisation", JSON),  # {number, issuer, scope, expires_at}
    Column("consent", Text),  # of the person sought: who gave it, how and when
    Column("opened_by", Text, ForeignKey("person.id"), nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
    Column("acts", Integer, nullable=False),  # the number of the newest act in it
    Column("salt", LargeBinary, nullable=False),
)

case_member = Table(
    "case_member",
    metadata,
    Column("case_id", Text, ForeignKey("case_file.id"), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    Column("part", Text, nullable=False),
    Column("added_by", Text, ForeignKey("person.id"), nullable=False),
    Column("added_at", Text, nullable=False),
    Column("until", Text),
)

case_grounds = Table(  # what a case said at each act that changed it, as the ledger commits to it
    "case_grounds",
    metadata,
    Column("case_id", Text, ForeignKey("case_file.id"), primary_key=True),
    Column("number", Integer, primary_key=True),  # of the act
    Column("said", Text, nullable=False),
)

case_note = Table(
    "case_note",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("case_file.id"), nullable=False, index=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
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
    Column("case_id", Text, ForeignKey("case_file.id"), index=True),
    Column("obtained", Text),  # how the searcher says that the photographs were obtained
    Column("edited_from", Text, ForeignKey("search.id")),  # the search of the same photographs, not edited
    Column("collections", JSON, nullable=False),  # pinned: [{id, name, revision}]
    Column("policy", Text, nullable=False),
    Column("contract", Text),
    Column("mode", Text),
    Column("threshold", Float),
    Column("limit", Integer),
    Column("salt", LargeBinary, nullable=False),
    Column("probes", JSON, nullable=False),  # of one person: [{sha256, size, faces, face, edits}]
    Column("searched_faces", Integer),
    Column("truncated", Integer),
)

kept_probe = Table(  # the photographs that are kept for a search, until they are erased as the policy says
    "kept_probe",
    metadata,
    Column("search_id", Text, ForeignKey("search.id"), primary_key=True),
    Column("sha256", Text, primary_key=True),
)

candidate = Table(
    "candidate",
    metadata,
    Column("search_id", Text, ForeignKey("search.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("rank", Integer, nullable=False),  # copies of one photograph share a rank
    Column("face_id", Text, nullable=False, index=True),  # it may be withdrawn later
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

opening = Table(  # which candidates a person has looked at, each beside the probe
    "opening",
    metadata,
    Column("search_id", Text, ForeignKey("search.id"), primary_key=True),
    Column("rank", Integer, primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    Column("at", Text, nullable=False),
    Column("judgement", Text),  # the first impression, given before the score was shown
    Column("judged_at", Text),
)

search_conclusion = Table(
    "search_conclusion",
    metadata,
    Column("search_id", Text, ForeignKey("search.id"), primary_key=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("put_forward", JSON, nullable=False),  # ranks; none: "none of these"
)

lead = Table(  # a candidate that was put forward, whatever became of it
    "lead",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("case_file.id"), nullable=False, index=True),
    Column("search_id", Text, ForeignKey("search.id"), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("put_forward_at", Text, nullable=False),
    Column("made_at", Text),  # when the examiners' conclusions made it a lead
    Column("truth", Text),
    Column("salt", LargeBinary, nullable=False),
    UniqueConstraint("search_id", "rank"),
)

lead_event = Table(  # what was done with a lead, and the independent evidence for it
    "lead_event",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lead_id", Text, ForeignKey("lead.id"), nullable=False, index=True),
    Column("person_id", Text, ForeignKey("person.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("document", JSON, nullable=False),
)

assignment = Table(  # a pair of faces that an examiner compares without knowing where it comes from
    "assignment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("case_file.id"), nullable=False, index=True),
    Column("lead_id", Text, ForeignKey("lead.id")),  # null for a seed
    Column("seed", JSON),  # of a seed: {probe_face, candidate_face, mated}
    Column("place", Integer, nullable=False),  # drawn at random: the order in which they are compared
    Column("created_at", Text, nullable=False),
    Column("person_id", Text, ForeignKey("person.id"), index=True),  # null until an examiner takes it
    Column("taken_at", Text),
    Column("done_at", Text),
)

review = Table(
    "review",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("case_file.id"), nullable=False, index=True),
    Column("lead_id", Text, ForeignKey("lead.id")),  # null for a seed, and for a candidate not put forward
    Column("search_id", Text, ForeignKey("search.id")),  # of the first examiner, with the rank
    Column("rank", Integer),
    Column("assignment_id", Text, ForeignKey("assignment.id")),  # of a further examiner
    Column("person_id", Text, ForeignKey("person.id"), nullable=False, index=True),
    Column("at", Text, nullable=False),
    Column("conclusion", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Column("salt", LargeBinary, nullable=False),
)

policy_version = Table(  # every policy that was in force or is to be approved
    "policy_version",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

policy_approval = Table(
    "policy_approval",
    metadata,
    Column("digest", Text, ForeignKey("policy_version.digest"), primary_key=True),
    Column("before", Text, primary_key=True),  # the policy that it was to follow
    Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    Column("at", Text, nullable=False),
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
    Column("case_id", Text, index=True),  # the case that it was done in, if any
    Column("entry", LargeBinary, nullable=False),
)

Index(
    "ix_template_contract_revision_collection_id",
    template.c.contract,
    template.c.revision,
    template.c.collection_id,
)
Index("ix_search_person_id_started_at", search.c.person_id, search.c.started_at)
