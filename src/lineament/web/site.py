"""The pages, on top of the HTTP interface."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from lineament.api.app import create_app
from lineament.app.installation import Installation
from lineament.web import (
    case_pages,
    collection_pages,
    disclosure_pages,
    edit_pages,
    failures,
    lead_pages,
    ledger_pages,
    pages,
    policy_pages,
    review_pages,
    search_pages,
    static_files,
)
from lineament.web import examples as example_photographs


def create_site(installation: Installation, examples: Path | None = None) -> FastAPI:
    """Return the application that serves the HTTP interface and the pages.

    ``examples`` lists photographs that the first page offers to try. Raises SettingsInvalid when it cannot be
    read.
    """
    app = create_app(installation)
    app.state.examples = example_photographs.load_examples(examples)
    for room in (
        static_files,
        example_photographs,
        ledger_pages,
        collection_pages,
        case_pages,
        disclosure_pages,
        edit_pages,
        search_pages,
        review_pages,
        lead_pages,
        policy_pages,
        pages,
    ):
        app.include_router(room.router)
    failures.install(app)
    return app
