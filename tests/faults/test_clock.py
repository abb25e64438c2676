"""A clock that jumps by years in either direction: names, order and what is kept do not follow it."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from pipelines import doctor, publish
from pipelines.publish import current_snapshot, rollback, snapshots
from pipelines.settings import Settings
from tests.faults import house

YEARS = (2026, 1970, 2199, 1999, 9998, 2026, 1971)


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock shows another of the years."""
    looks = iter(YEARS)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(next(looks), 1, 1, tzinfo=tz)

    monkeypatch.setattr(publish, "datetime", Clock)


@pytest.mark.usefixtures("jumping")
def test_snapshots_stay_in_the_order_in_which_they_were_made(settings: Settings) -> None:
    made = [house.publish_once(settings) for _ in YEARS]
    assert [path.name.split("-")[2][:4] for path in made] == [str(year) for year in YEARS]
    assert sorted(made) == made
    assert snapshots(settings) == made[-publish.KEPT_SNAPSHOTS :]
    assert current_snapshot(settings) == made[-1]
    assert rollback(settings) == made[-2]
    assert rollback(settings) == made[-3]


@pytest.mark.usefixtures("jumping")
def test_a_snapshot_from_the_future_or_the_past_is_like_any_other(settings: Settings) -> None:
    for _ in YEARS:
        house.publish_once(settings)
        (found, *_) = doctor._snapshot(settings)
        assert found.state == "ok"


def test_a_warehouse_from_the_future_is_opened_as_it_is(settings: Settings) -> None:
    later = (datetime.now(UTC) + timedelta(days=4000)).timestamp()
    os.utime(settings.warehouse, (later, later))
    assert house.rows_of(house.publish_once(settings)) == house.ROWS + 1
    assert list(settings.processed.glob("*damaged*")) == []
