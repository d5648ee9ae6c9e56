"""Times are UTC, with milliseconds and a Z, and come back as they were."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.times import from_iso, iso


def test_any_offset_is_written_as_utc():
    """Noon in Berlin is eleven in UTC."""
    berlin = timezone(timedelta(hours=1))
    assert iso(datetime(2026, 11, 22, 12, tzinfo=berlin)) == "2026-11-22T11:00:00.000Z"


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001
def test_a_time_comes_back_to_the_millisecond(moment: datetime):
    """Writing and reading change nothing that is kept."""
    aware = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    assert from_iso(iso(aware)) == aware


def test_a_time_without_an_offset_is_refused():
    """It could mean anything."""
    with pytest.raises(ValueError, match="without an offset"):
        from_iso("2026-11-22T11:00:00")
