"""Write down what an ingest brings, batch by batch, each whole or not at all.

A photograph is stored inside the transaction that records it, sealed under a key that the same transaction
brings: what a stop leaves behind without its record can be read by nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from lineament.app import sites
from lineament.app.copies import Copies
from lineament.app.eligibility import require_in_force
from lineament.app.film_faces import FilmFaces, same_as
from lineament.app.installation import Installation
from lineament.app.journal import Act, act
from lineament.app.prepare import Known, Outcome, Prepared, Withheld
from lineament.app.suppression import Suppressed
from lineament.core.policy import Person
from lineament.core.times import iso
from lineament.errors import NoFace
from lineament.ledger import commitment
from lineament.records import collections, images, ingests
from lineament.records.collections import Collection
from lineament.records.images import Image
from lineament.records.ingests import Rejected
from lineament.sources import Item
from lineament.sources.site_permission import SitePermission

_STORERS = 8  # photographs that are on their way to the disk at once


@dataclass
class Report:
    """What an ingest did.

    ``known`` images were there already; what is known of ``corrected`` ones among them is new. ``withheld``
    ones were withdrawn, or show somebody who wants to be kept out: nothing is kept of them. ``rejected``
    lists what cannot be used, the ``no_face`` ones too.
    """

    new: int = 0
    faces: int = 0
    known: int = 0
    corrected: int = 0
    no_face: int = 0
    withheld: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Return how many files had each end, as the records and the ledger have it."""
        return {
            "new": self.new,
            "known": self.known,
            "corrected": self.corrected,
            "no_face": self.no_face,
            "rejected": len(self.rejected) - self.no_face,
            "withheld": self.withheld,
        }


class BatchWriter:
    """Writes what one ingest brings, and how far it is."""

    def __init__(
        self,
        installation: Installation,
        who: Person,
        collection: Collection,
        site_permissions: Callable[[], Iterable[SitePermission]],
        on_rejected: Callable[[Rejected], None],
    ) -> None:
        self.report = Report()
        self._installation = installation
        self._who = who
        self._collection = collection
        self._site_permissions = site_permissions
        self._on_rejected = on_rejected
        self._contract = installation.vision.contract
        self._id, self._salt = installation.new_id(), installation.new_salt()
        self._films = FilmFaces()
        self._to_store: list[tuple[str, bytes, bytes]] = []
        self._suppressed = Suppressed.load(installation, collection.id)
        with installation.records.read() as tx:
            self._revision = collections.current_revision(tx)
            self._copies = Copies.load(tx)

    def begin(self, called: str, total: int | None) -> None:
        """Record that the ingest began, of a source that people call so, with so many files."""
        by, now = self._who.id, self._installation.clock()
        with self._installation.records.write() as tx:
            ingests.start_ingest(tx, self._id, self._collection.id, by, called, total, self._salt, now)

    def is_withdrawn(self, digest: str) -> bool:
        """Say whether a photograph itself was withdrawn, as was known when the last batch was written."""
        return self._suppressed.is_withdrawn(digest)

    def write(self, outcomes: list[Outcome]) -> None:
        """Write one batch: images, faces, templates, rejections, and one entry for what is added.

        Raises PermissionNotInForce; then nothing of it is written.
        """
        reported = len(self.report.rejected)
        with act(self._installation) as doing:
            (collection,) = collections.list_collections(doing.tx, [self._collection.name])
            require_in_force(collection, self._installation.clock())
            sites.record(doing, self._installation, self._who, collection.id, self._site_permissions())
            self._catch_up(doing.tx)
            added: list[Prepared] = []
            for one in outcomes:
                if isinstance(one, Rejected):
                    self._reject(doing.tx, one)
                elif isinstance(one, Known):
                    self._know(doing.tx, one)
                elif isinstance(one, Withheld):
                    self.report.withheld += 1
                elif known := self._known_by_now(doing.tx, one):
                    self._know(doing.tx, known)
                elif self._is_withheld(doing.tx, one):
                    self.report.withheld += 1
                else:
                    if not added:
                        self._revision = collections.next_revision(doing.tx, collection.id)
                    added.append(self._add(doing.tx, one))
            for image_id, provenance in self._films.corrections():
                images.correct(doing.tx, image_id, provenance)
            self._store()
            if added:
                self._enter(doing, added)
            ingests.update_ingest(doing.tx, self._id, self.report.counts, self._installation.clock())
        for rejected in self.report.rejected[reported:]:
            self._on_rejected(rejected)

    def finish(self) -> None:
        """Record that the ingest has come to its end."""
        with act(self._installation) as doing:
            counts, now = self.report.counts, self._installation.clock()
            ingests.update_ingest(doing.tx, self._id, counts, now, finished=True)
            of = {"who": self._who.id, "collection": self._collection.id, "ingest": self._id}
            doing.record("ingest.finished", at=iso(now), **of, **counts)

    def _catch_up(self, tx: Connection) -> None:
        """See what other ingests and withdrawals did since the last batch; none of them writes meanwhile."""
        before, revision = self._revision, collections.current_revision(tx)
        if revision != before:
            self._revision = revision
            if images.removed_since(tx, before, revision):  # of what is gone, nothing stays in memory
                self._copies, self._films = Copies.load(tx), FilmFaces()
            else:
                groups, shared = images.fingerprints_since(tx, self._contract, before)
                for group, one in zip(groups, shared, strict=True):
                    self._copies.add(one.tobytes(), group)
        self._suppressed = self._suppressed.current(tx)

    def _is_withheld(self, tx: Connection, one: Prepared) -> bool:
        """Say whether a photograph must not come in. One that is here already is not asked about."""
        return (
            images.find_image(tx, self._collection.id, one.digest) is None
            and self._suppressed.is_suppressed(one.digest, one.seen.phash, one.seen.templates) is not None
        )

    def _known_by_now(self, tx: Connection, one: Prepared) -> Known | None:
        """Return the image of these bytes that came since they were looked at, in this ingest or another."""
        there = images.find_image(tx, self._collection.id, one.digest)
        if there is None:
            return None
        faces = images.known_faces(tx, self._collection.id, one.digest, self._contract)
        return None if faces is None else Known(one.item, there, faces, None)

    def _reject(self, tx: Connection, rejected: Rejected) -> None:
        ingests.add_rejection(tx, self._id, rejected)
        self.report.rejected.append(rejected)

    def _know(self, tx: Connection, known: Known) -> None:
        """Count an image that is known, and record what is known of it now."""
        image = known.image
        if known.faces or same_as(image.provenance):
            self.report.known += 1
        else:
            self.report.no_face += 1
            sentence = "No usable face was found in this photograph before."
            self._reject(tx, Rejected(known.item.path, NoFace.code, sentence))
        if known.correction:
            images.correct(tx, image.id, known.correction)
            # That only the file's version is another is no correction.
            if replace(known.correction, version=image.provenance.version) != image.provenance:
                self.report.corrected += 1
            image = replace(image, provenance=known.correction)
        if known.item.film:
            self._see_again(tx, known.item, image)

    def _see_again(self, tx: Connection, frame: Item, image: Image) -> None:
        """Let the film's faces know of a frame that is on record."""
        faces = images.faces_of_image(tx, image.id)
        templates = images.templates_of(
            tx, self._installation.keys, self._contract, [one.id for one in faces]
        )
        there = [(one.detected, templates[one.id]) for one in faces if one.id in templates]
        self._films.see_known(frame, image, there)

    def _add(self, tx: Connection, one: Prepared) -> Prepared:
        """Write one image, and return it, with the faces that are kept.

        Without a face the bytes of a photograph are not kept.
        """
        if one.item.film:
            one = self._films.keep_new(one)
        image, key = self._put_image(tx, one)
        if one.item.film:
            self._films.on_record(image)
        if one.seen.why_none:
            self.report.no_face += 1
            self._reject(tx, Rejected(one.item.path, one.seen.why_none.code, str(one.seen.why_none)))
        elif not one.seen.faces:  # all are kept already, with other frames of the film
            self.report.known += 1
        else:
            self.report.new += 1
            self.report.faces += len(one.seen.faces)
            self._to_store.append((image.id, one.data, key))
            self._add_faces(tx, one, image.id, key)
        return one

    def _put_image(self, tx: Connection, one: Prepared) -> tuple[Image, bytes]:
        new_id = self._installation.new_id()
        width, height = one.seen.size
        image = Image(
            id=new_id,
            collection_id=self._collection.id,
            sha256=one.digest,
            media_type=one.seen.media_type,
            width=width,
            height=height,
            provenance=one.provenance,
            phash=one.seen.phash,
            group_id=self._copies.group_of(one.seen.phash, new_id),
        )
        image_id, key = images.put_image(tx, self._installation.keys, image, self._contract, self._id)
        if image_id == new_id:
            self._copies.add(image.phash, image.group_id)
        return replace(image, id=image_id), key

    def _add_faces(self, tx: Connection, one: Prepared, image_id: str, key: bytes) -> None:
        for detected, template in zip(one.seen.faces, one.seen.templates, strict=True):
            face_id, of = self._installation.new_id(), self._collection.id
            images.add_face(
                tx, face_id, image_id, key, of, detected, self._contract, template, self._revision
            )

    def _store(self) -> None:
        """Store the batch's photographs, several at once: a disk takes as long for one as for some."""
        blobs = self._installation.blobs

        def store(image_id: str, data: bytes, key: bytes) -> None:
            if not blobs.holds(image_id, key):
                blobs.put(image_id, data, key)

        with ThreadPoolExecutor(_STORERS) as threads:
            for done in [threads.submit(store, *one) for one in self._to_store]:
                done.result()
        self._to_store = []

    def _enter(self, doing: Act, added: list[Prepared]) -> None:
        doing.record(
            "ingest.batch",
            at=iso(self._installation.clock()),
            who=self._who.id,
            collection=self._collection.id,
            ingest=self._id,
            revision=self._revision,
            contract=self._contract,
            images=len(added),
            faces=sum(len(one.seen.faces) for one in added),
            content=commitment(self._salt, "".join(sorted(one.digest for one in added)).encode()),
        )
