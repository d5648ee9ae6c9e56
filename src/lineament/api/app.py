"""The application that serves the HTTP interface; `web` adds the pages."""

from __future__ import annotations

from fastapi import Depends, FastAPI

import lineament
from lineament.api import (
    case_routes,
    disclosure_routes,
    edit_routes,
    lead_routes,
    policy_routes,
    problems,
    review_routes,
    routes,
)
from lineament.api.access import everyone
from lineament.api.body_limit import BodyLimit
from lineament.api.headers import SafeHeaders
from lineament.api.own_host import OwnHost
from lineament.app.installation import Installation


def create_app(installation: Installation) -> FastAPI:
    """Return the application for one installation."""
    app = FastAPI(
        title="Lineament",
        version=lineament.__version__,
        description="Search permitted image collections by a photograph of a face.",
        openapi_url=None,  # served below, so that it declares its rule like every route
        docs_url=None,
        redoc_url=None,
    )
    app.state.installation = installation
    problems.install(app)
    for room in (
        routes,
        case_routes,
        edit_routes,
        review_routes,
        lead_routes,
        disclosure_routes,
        policy_routes,
    ):
        app.include_router(room.router)

    @app.get("/api/v1/openapi.json", include_in_schema=False, dependencies=[Depends(everyone)])
    def openapi() -> dict[str, object]:
        return app.openapi()

    app.add_middleware(BodyLimit)
    app.add_middleware(OwnHost)
    app.add_middleware(SafeHeaders)
    return app
