"""The one tree of errors: a stable code, a sentence for people, and what to do next.

Every error that a person may meet is a leaf of this tree. Its ``code`` never changes once released: scripts
and the HTTP interface depend on it. ``docs/reference/errors.md`` lists them all and a test keeps it so.
"""

from __future__ import annotations

from typing import ClassVar

from lineament.limits import MEGAPIXELS_MAX, PHOTOGRAPH_MB_MAX


class LineamentError(Exception):
    """The root of the tree. ``str(error)`` is one sentence that says what is wrong."""

    code: ClassVar[str] = "error"
    remedy: ClassVar[str] = "Run the command again; if it fails again, report it with the code above."

    def diagnostics(self) -> str:
        """Return the sentence, what to do next, and the stable code, on three lines."""
        return f"{self}\n{self.remedy}\n[{self.code}]"


# --- kinds: what the doors turn into an HTTP status and an exit code -------------------------------------


class BadInput(LineamentError):
    """What was given cannot be used; nothing was changed."""


class NotFound(LineamentError):
    """What was named is not here, or not for this person to see."""


class Refused(LineamentError):
    """A rule forbids it; nothing was computed."""


class Conflict(LineamentError):
    """It does not fit the present state; look again and decide."""


class Broken(LineamentError):
    """The installation itself needs attention."""


# --- photographs -----------------------------------------------------------------------------------------


class PhotographError(BadInput):
    """One photograph cannot be used. An ingest reports it and goes on with the next."""


class NotAPhotograph(PhotographError):
    """The bytes are not an image in a format that is read here."""

    code = "not-a-photograph"
    remedy = "Use a JPEG, PNG, WebP, HEIF, AVIF, single-page TIFF, BMP or GIF file."


class DamagedPhotograph(PhotographError):
    """The file starts like an image and then breaks off or breaks down."""

    code = "damaged-photograph"
    remedy = "Copy the file again from where it came from, or save it anew in an image editor."


class PhotographTooLarge(PhotographError):
    """More pixels or bytes than are read from an untrusted file."""

    code = "photograph-too-large"
    remedy = (
        f"Scale it down or cut out the part with the face: {MEGAPIXELS_MAX} megapixels and "
        f"{PHOTOGRAPH_MB_MAX} MB are the most."
    )


class DecoderStopped(PhotographError):
    """The limited process that reads images ran out of its memory or time on this file."""

    code = "decoder-stopped"
    remedy = "The file asks for far more work than a photograph should. Save it anew as an ordinary JPEG."


class WorkerLost(PhotographError):
    """Each worker of a cluster that was given this file ended over it."""

    code = "worker-lost"
    remedy = "Ingest it without --cluster. If it fails there as well, save it anew as an ordinary JPEG."


class NoFace(PhotographError):
    """The detector found no face."""

    code = "no-face"
    remedy = "Use a photograph in which the face is upright, unobstructed and at least 20 pixels wide."


class FaceTooSmall(PhotographError):
    """A face is there, with too few pixels to compare."""

    code = "face-too-small"
    remedy = "Use a larger scan or a closer photograph: the eyes should be at least 12 pixels apart."


class NoSuchFace(BadInput):
    """The face chosen is not one of those found."""

    code = "no-such-face"
    remedy = "Choose one of the numbers shown, or draw a box around the face."


# --- sources and ingest ----------------------------------------------------------------------------------


class SourceError(BadInput):
    """A source, or one item of it, cannot be read. An ingest reports an item and goes on with the next."""


class SourceUnreadable(SourceError):
    """The source as a whole cannot be used, or breaks off; what came before it counts."""

    code = "source-unreadable"
    remedy = "Give what docs/sources.md lists: a folder, a manifest with path and source_url, an archive."


class BadRow(SourceError):
    """One row of a manifest is not usable."""

    code = "bad-row"
    remedy = "Mend the row and ingest again; what is already there is not done twice."


class FileMissing(SourceError):
    """A file is not there, or cannot be read."""

    code = "file-missing"
    remedy = "Check its name and that you may read it; in a manifest, mend the row or put the file back."


class FileTooLarge(SourceError):
    """A file has more bytes than are read from one file."""

    code = "file-too-large"
    remedy = f"Use a smaller copy: {PHOTOGRAPH_MB_MAX} MB are the most."


class FileChanged(SourceError):
    """A file's bytes are not those that its source states the digest of."""

    code = "file-changed"
    remedy = "Get the file again from where it came from, and ask there if it is no other this time."


class NotAFilm(SourceError):
    """The file is not a recorded film in a format that is read here."""

    code = "not-a-film"
    remedy = (
        "Use an MP4, MOV, Matroska, WebM, AVI or MPEG file on this machine, with pictures in H.264, HEVC, "
        "AV1, VP8, VP9, MPEG-1, -2 or -4, Motion JPEG or ProRes."
    )


class DamagedFilm(SourceError):
    """A film breaks off or is damaged; the frames that could be read were taken."""

    code = "damaged-film"
    remedy = "Copy the film again from where it came from, and ingest it again: nothing is done twice."


class FilmTooLarge(SourceError):
    """A film is longer, or its frames are larger, than is read from an untrusted file."""

    code = "film-too-large"
    remedy = (
        f"Scale it down or cut it into parts: {MEGAPIXELS_MAX} megapixels a frame and 12 hours are the most."
    )


class FilmStopped(SourceError):
    """The limited process that reads a film ran out of memory or time; the frames before were taken."""

    code = "film-stopped"
    remedy = "The film asks for far more work than a film should. Save it anew as an MP4 with H.264."


class ExtraMissing(BadInput):
    """A library is not installed that only some installations need."""

    code = "extra-missing"
    remedy = (
        "Install it with `pip install 'lineament[NAME]'`, with the name of the extra that is named above."
    )


class NetworkOff(SourceError):
    """Something on the web was named, and no host may be fetched from."""

    code = "network-off"
    remedy = "Copy the files here first, or allow a host to be fetched from: docs/network.md says how."


class HostNotAllowed(SourceError):
    """An address leads to a host that is not on the list of those that may be fetched from."""

    code = "host-not-allowed"
    remedy = "Add the host to the list, if its owner permits it; docs/network.md says how."


class AddressRefused(SourceError):
    """An address is not a plain https address of a host on the public internet."""

    code = "address-refused"
    remedy = "Use an address such as https://archive.example/photo.jpg: a public name, no port, no user."


class SitePermissionMissing(SourceError):
    """A site publishes no permission file that is in force for this operator, purpose and place."""

    code = "site-permission-missing"
    remedy = "Ask the site's owner for one; docs/network.md describes the file and holds a template."


class SiteForbids(SourceError):
    """A site's robots.txt, or a preference about AI that it states, forbids this."""

    code = "site-forbids"
    remedy = "Leave it out, or ask the site's owner to change it; it is never overruled here."


class FetchFailed(SourceError):
    """A site or bucket did not answer as it should, or not within the limits of size and time."""

    code = "fetch-failed"
    remedy = "Ingest again later; what is already there is not done twice."


# --- permission, policy, collections ---------------------------------------------------------------------


class PermissionInvalid(BadInput):
    """A permission document lacks something or contradicts itself."""

    code = "permission-invalid"
    remedy = "Mend the permission file; docs/reference/permission.md lists its fields."


class PermissionNotInForce(Refused):
    """The collection's permission has not begun, has ended, or was withdrawn."""

    code = "permission-not-in-force"
    remedy = "Record a permission that is in force with `lineament collections permit`."


class PolicyInvalid(BadInput):
    """The policy file cannot be understood; no search is allowed under it."""

    code = "policy-invalid"
    remedy = "Mend the policy file; docs/reference/policy.md lists its fields."


class PolicyNotFound(NotFound):
    """No policy of this name ships with Lineament, or none with this digest waits for approval."""

    code = "no-such-policy"
    remedy = "`lineament policy list` lists those that ship; `lineament policy check` says what waits."


class WitnessesInvalid(BadInput):
    """The file that lists the ledger's witnesses cannot be understood."""

    code = "witnesses-invalid"
    remedy = "Mend the file witnesses in the data folder; docs/reference/ledger.md shows an example."


class SearchRefused(Refused):
    """The policy does not allow this search. The refusal is on record; no pixel was decoded."""

    code = "search-refused"
    remedy = "Give what is missing, or choose a purpose and collections that go together."


class CollectionNotFound(NotFound):
    """No collection has this name."""

    code = "no-such-collection"
    remedy = "`lineament collections` lists the collections there are."


class CollectionExists(Conflict):
    """A collection of this name is there already, under other terms."""

    code = "collection-exists"
    remedy = "Choose another name, or record a new permission with `lineament collections permit`."


class SearchNotFound(NotFound):
    """No search of this person has this id."""

    code = "no-such-search"
    remedy = "Check the id, or start a new search."


class ProbeErased(NotFound):
    """The photograph that was searched was erased, as the policy says."""

    code = "probe-erased"
    remedy = "What was found stays on record. To search again, take the photograph from where it came from."


class CaseNotFound(NotFound):
    """There is no such case, or this person has no part in it."""

    code = "no-such-case"
    remedy = "Choose one of your cases; whoever works on a case can give you a part in it."


class CaseExists(Conflict):
    """A case has this reference."""

    code = "case-exists"
    remedy = "Give another reference, or work on the case that has it."


class BundleTooLarge(Conflict):
    """There is more to be handed out than one bundle can hold."""

    code = "bundle-too-large"
    remedy = "Hand its searches out one by one with `lineament export`, each with its own proofs."


class PartRefused(Refused):
    """A person cannot have this part in the case, or cannot be taken from it."""

    code = "part-refused"
    remedy = "Choose somebody else, or another part; docs/casework.md says who may have which."


class WrongState(Conflict):
    """What is asked for does not fit where the case, search or lead stands."""

    code = "wrong-state"
    remedy = "Look at it again: somebody may have changed it meanwhile."


class NotYetJudged(WrongState):
    """It would tell a person scores that are hidden from them until they have judged the candidates."""

    code = "not-yet-judged"
    remedy = "Judge every candidate by sight, conclude the searches of the case, or close it."


class LeadNotFound(NotFound):
    """There is no such lead, or it is of a case that this person has no part in."""

    code = "no-such-lead"
    remedy = "Choose one of the leads of your cases."


class TooFewFillers(Conflict):
    """Fewer faces than are needed may be shown in a line-up and fit its description."""

    code = "too-few-fillers"
    remedy = "Describe the fillers in fewer or other words, or ask for a further collection for line-ups."


class ReportRefused(Refused):
    """A report would say of a candidate what nobody may say of one; it was not written."""

    code = "report-refused"
    remedy = "Report this: the words come from Lineament itself, or from the model pack in use."


class ComparisonIncomplete(BadInput):
    """An examiner's comparison leaves something out, or says what a comparison must not say."""

    code = "comparison-incomplete"
    remedy = "Say something of every component, describe similarities and differences, and send it again."


class ReviewNotFound(NotFound):
    """There is no such pair, or another examiner has it."""

    code = "no-such-review"
    remedy = "Take a pair from the queue at /reviews."


class NothingToReview(NotFound):
    """No pair waits that this examiner may compare."""

    code = "nothing-to-review"
    remedy = "Look again later: pairs appear when candidates of cases without you are put forward."


class PairWithdrawn(Conflict):
    """A pair must not be shown any more, or not to this examiner."""

    code = "pair-withdrawn"
    remedy = "Take another pair from the queue at /reviews; what you had not sent is not needed."


class ImageNotFound(NotFound):
    """No image or face has this id, or its permission is no longer in force."""

    code = "no-such-image"
    remedy = "Search again: what was withdrawn since is no longer shown."


class WithdrawalNotFound(NotFound):
    """No withdrawal has this id."""

    code = "no-such-withdrawal"
    remedy = "`lineament withdrawals` lists the withdrawals there are."


class NotYetErased(Conflict):
    """What was withdrawn is not found by a search, and yet to be removed from the disk and proved so."""

    code = "not-yet-erased"
    remedy = "Run `lineament upkeep`, or wait a minute where a server runs."


class SearchNotOpen(Conflict):
    """The search is not waiting for a face to be chosen."""

    code = "search-not-open"
    remedy = "Start a new search with the same photograph."


class NotCalibrated(Refused):
    """No error rates were measured for this template contract, so no threshold can be derived."""

    code = "not-calibrated"
    remedy = "Use a purpose in investigation mode, or the model pack that ships with Lineament."


class ModelPackNotFound(NotFound):
    """No model pack has this name."""

    code = "no-such-model-pack"
    remedy = "`lineament models` lists the packs there are; `lineament models add` adds another one."


class NotAModelPack(BadInput):
    """What was given to be added is no whole model pack; nothing was added."""

    code = "not-a-model-pack"
    remedy = (
        "Mend what the sentence names, or give another folder; docs/reference/model-pack.md lists what a "
        "pack holds."
    )


class ModelPackExists(Conflict):
    """A model pack of this name is there already, with another pack.toml."""

    code = "model-pack-exists"
    remedy = "Give the pack another name in its pack.toml."


class LicenceNotAccepted(Refused):
    """A model pack is used under the terms of its licences, or not at all."""

    code = "licence-not-accepted"
    remedy = "Read the terms above. If you accept them, answer yes, or give --accept-licence."


class ProtocolInvalid(BadInput):
    """What is to be evaluated cannot be understood; nothing was computed."""

    code = "protocol-invalid"
    remedy = "Mend the folder or the file that is named; docs/evaluation.md describes each kind."


class InvalidRequest(BadInput):
    """A field of a request is missing or has the wrong form."""

    code = "invalid-request"
    remedy = "Correct what the sentence names, and try again."


# --- people ----------------------------------------------------------------------------------------------


class NotSignedIn(Refused):
    """No session or token, or one that has ended."""

    code = "not-signed-in"
    remedy = "Open the link that `lineament sign-in` prints, or send a token from `lineament token`."


class PersonNotFound(NotFound):
    """Nobody has this name or id."""

    code = "no-such-person"
    remedy = "`lineament people list` lists who there is; an administrator can add somebody."


class PersonExists(Conflict):
    """Somebody has this name."""

    code = "person-exists"
    remedy = "Give another name, such as one with a middle initial: names tell people apart here."


class LastAdministrator(Conflict):
    """Nobody else is an administrator."""

    code = "last-administrator"
    remedy = "Give somebody else the role administrator first."


class RoleMissing(Refused):
    """The person does not have the role that this needs."""

    code = "role-missing"
    remedy = "Ask the administrator of this installation for the role."


class SignInLinkSpent(Refused):
    """A sign-in link works once and for a short time."""

    code = "sign-in-link-spent"
    remedy = "Run `lineament sign-in` for a new link."


class ForeignOrigin(Refused):
    """A page of another site tried to act in this session."""

    code = "foreign-origin"
    remedy = "Open Lineament's own page and act there."


class WrongHost(BadInput):
    """A request is addressed to another name than this machine's own."""

    code = "wrong-host"
    remedy = (
        "Use the address that `lineament serve` prints: it begins with http://127.0.0.1 or http://localhost."
    )


# --- the installation ------------------------------------------------------------------------------------


class SettingsInvalid(BadInput):
    """A setting has a value that cannot be used."""

    code = "settings-invalid"
    remedy = "Correct the environment variable named; docs/reference/settings.md lists them."


class PortTaken(BadInput):
    """The server's port is in use, or not for this user."""

    code = "port-taken"
    remedy = "Stop the program that uses it, or choose another port with LINEAMENT_PORT."


class DecoderUnavailable(Broken):
    """The limited process that reads images does not start; no photograph is at fault."""

    code = "decoder-unavailable"
    remedy = (
        "Install Lineament again in a virtual environment, and see that this machine can start processes."
    )


class ModelPackInvalid(Broken):
    """A model pack that is here is lost or damaged: files are missing or not those that its digests name."""

    code = "model-pack-invalid"
    remedy = (
        "Put its files back as they were added, into its folder in models of the data folder, or run "
        "`lineament models migrate` with another pack; the one that ships comes back when Lineament is "
        "installed again."
    )


class ModelChanged(Broken):
    """The records are under another model contract than this program: templates of two are never compared."""

    code = "model-changed"
    remedy = (
        "Start the server again. Where that does not help, Lineament was upgraded: run "
        "`lineament models migrate` with the pack that `lineament models` shows as in use."
    )


class NotMigrated(Broken):
    """A collection has photographs that did not go through the model in use."""

    code = "not-migrated"
    remedy = (
        "Once its permission is in force, run `lineament models migrate` with the pack that "
        "`lineament models` shows as in use."
    )


class DeviceMissing(Broken):
    """The models are to run on a device that is not there, or that this ONNX Runtime was not built for."""

    code = "device-missing"
    remedy = "Install onnxruntime-gpu and NVIDIA's CUDA libraries, or unset LINEAMENT_DEVICE."


class RecordsNewer(Broken):
    """The records were written by a newer version of Lineament."""

    code = "records-newer"
    remedy = "Use the version of Lineament that wrote this data folder, or a newer one."


class RecordsUnusable(Broken):
    """The records are damaged, or this machine's SQLite cannot keep them safe."""

    code = "records-unusable"
    remedy = "Restore the data folder from a backup, and keep the damaged one for whoever helps you."


class RecordsBusy(Broken):
    """Another program kept the records to itself for too long."""

    code = "records-busy"
    remedy = "Try again; if it persists, find the program that keeps the data folder's records open."


class StorageFailed(Broken):
    """The disk is full, cannot be written, or fails."""

    code = "storage-failed"
    remedy = "Make room, or set LINEAMENT_DATA to a folder that you may write to; nothing was half-written."


class BlobLost(Broken):
    """A stored file is missing or no longer has its digest."""

    code = "blob-lost"
    remedy = "Restore the data folder's blobs from a backup."


class EditNotReplayable(Broken):
    """A photograph does not give the recorded pixels when it is edited again as it was."""

    code = "edit-not-replayable"
    remedy = (
        "Use the versions of Lineament and Pillow that made the edit; docs/edits.md says how to compare each "
        "step."
    )


class KeyLost(Broken):
    """The key of what is asked for was destroyed, or the data folder has lost it."""

    code = "key-lost"
    remedy = (
        "What was withdrawn cannot be read again, and is not to be. Where nothing was withdrawn, restore "
        "the data folder from a backup."
    )


class MasterKeyWrong(Broken):
    """The master key is missing, or is not the one that this data folder was kept under."""

    code = "master-key-wrong"
    remedy = (
        "Put the right key back, or name it with LINEAMENT_MASTER_KEY; without it nothing that is kept "
        "here can be read, by anybody."
    )


class WithdrawalsDamaged(Broken):
    """The file of withdrawals cannot be read; nothing is served that may have been withdrawn."""

    code = "withdrawals-damaged"
    remedy = (
        "Put a whole copy of the file withdrawals back. If these records were not restored from a backup, "
        "delete it instead: it is written anew from them."
    )


class ErasureFailed(Broken):
    """Something that was withdrawn is still there; it is not found by a search, and not yet gone."""

    code = "erasure-failed"
    remedy = (
        "Stop the server, run `lineament index rebuild` and then `lineament upkeep`; "
        "if it persists, report it."
    )


class ClusterUnavailable(Broken):
    """The cluster that photographs were to be looked at on cannot be reached, or must not be used."""

    code = "cluster-unavailable"
    remedy = "Start the scheduler and its workers as docs/ingest.md says, and run the same command again."


class IndexBehind(Broken):
    """The index has not applied the newest records; it answers nothing rather than too little."""

    code = "index-behind"
    remedy = "Search again. If it persists, stop the server and run `lineament index rebuild`."


class IndexUnavailable(Broken):
    """The index or a part of it cannot be used now; the rest is not searched as if it were all."""

    code = "index-unavailable"
    remedy = "Start what does not answer, or stop what has the index, and try again; nothing is lost."


class IndexDamaged(Broken):
    """A file of the index is not what was written; what it held is not left out silently."""

    code = "index-damaged"
    remedy = "Stop the server and run `lineament index rebuild`: the records hold everything."


class IndexCannotForget(Broken):
    """A server of the index keeps what was removed, by a setting or for another server."""

    code = "index-cannot-forget"
    remedy = "Change the setting that is named and purge again; docs/index.md leads to what a server needs."


class LedgerKeyLost(Broken):
    """The key that signs the ledger is missing or unreadable, and there is a ledger that needs it."""

    code = "ledger-key-lost"
    remedy = "Restore the file ledger-key from a backup; without it a new data folder must be begun."


class LedgerBroken(Broken):
    """Entries, tiles and checkpoint do not agree; nothing is searched that could not be proved."""

    code = "ledger-broken"
    remedy = "Keep the data folder as it is; restore its folder ledger from a backup or from anybody's copy."
