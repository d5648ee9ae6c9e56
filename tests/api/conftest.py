"""A real application over a real installation, called in process."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from lineament.app import sign_in
from lineament.app.installation import Installation
from lineament.web.site import create_site

BASE = "http://127.0.0.1"


@pytest.fixture
def stranger(archive: Installation) -> Iterator[TestClient]:
    """Somebody who is not signed in."""
    with TestClient(create_site(archive), base_url=BASE, follow_redirects=False) as client:
        yield client


@pytest.fixture
def client(archive: Installation, stranger: TestClient) -> TestClient:
    """A script with an API token."""
    token = sign_in.new_token(archive, sign_in.operator(archive))
    stranger.headers["authorization"] = f"Bearer {token}"
    return stranger
