"""A candidate that was put forward, and somebody to compare it blind."""

import pytest

from lineament.app.installation import Installation
from lineament.core.policy import Person, Role
from lineament.records.reviews import Lead
from tests.casework import somebody
from tests.reviewing import put_forward


@pytest.fixture
def lead(desk: Installation) -> Lead:
    """A candidate that the operator put forward."""
    return put_forward(desk)


@pytest.fixture
def second(desk: Installation) -> Person:
    return somebody(desk, "Second", Role.EXAMINER)
