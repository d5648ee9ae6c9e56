"""The ledger, for everyone: what it proves, and its static files for those who check it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from lineament import ledger
from lineament.api.access import Served, everyone
from lineament.app import witnessing
from lineament.core.times import iso
from lineament.errors import LedgerBroken
from lineament.ledger.one_file import one_file
from lineament.web.render import page

# The paths that c2sp.org/tlog-tiles has, and no other: level 0 to 63 or entries, index in groups of three
# digits, and a width of 1 to 255 where the tile is partial.
_TILE = re.compile(
    r"tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/)*[0-9]{3}"
    r"(?P<partial>\.p/(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"
)
_FOREVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False, dependencies=[Depends(everyone)])


@router.get("/ledger")
def ledger_page(request: Request, served: Served) -> Response:
    """Show the newest checkpoint and say what is proved and what is not."""
    file = served.ledger_folder / "checkpoint"
    try:
        checkpoint = ledger.Checkpoint.open(file.read_bytes(), served.signer.verifier)
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except (OSError, ledger.LedgerError) as error:
        raise LedgerBroken("The ledger's checkpoint cannot be read.") from error
    return page(
        request,
        "ledger.html",
        checkpoint=checkpoint,
        vkey=served.signer.verifier.vkey,
        key_id=served.signer.verifier.key_id.hex(),
        policy=served.witnesses,
        witnessed=witnessing.witnessed(served),
        written=iso(written),
        address=f"{request.url.scheme}://{request.url.netloc}/ledger",
    )


@router.get("/ledger/verifier.py")
def verifier_file() -> Response:
    """Return the verifier as one Python file."""
    headers = {"Cache-Control": "no-cache", "Content-Disposition": 'attachment; filename="verifier.py"'}
    return Response(one_file(), media_type="text/x-python", headers=headers)


@router.api_route("/ledger/{path:path}", methods=["GET", "HEAD"])
def ledger_file(served: Served, path: str) -> Response:
    """Return a checkpoint or one tile."""
    if path in {"checkpoint", "witnessed"}:
        return Response(
            _read(served.ledger_folder / path), media_type="text/plain", headers={"Cache-Control": "no-cache"}
        )
    tile = _TILE.fullmatch(path)
    if not tile:
        raise HTTPException(404)
    headers = {"Cache-Control": "no-cache" if tile["partial"] else _FOREVER}
    return Response(
        _read(served.ledger_folder / path), media_type="application/octet-stream", headers=headers
    )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise HTTPException(404) from error
