"""The published snapshot as the dashboard sees it, and its pages without a browser."""

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data
from pipelines.settings import Settings


@pytest.fixture
def snapshot(full_db) -> data.Connected:
    """The full snapshot, answering without a cache."""
    return data.Connected(full_db)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """The app on a data folder; connections are closed afterwards."""

    def open_app(settings: Settings, **query: str) -> AppTest:
        monkeypatch.setenv("MILEX_DATA", str(settings.data))
        monkeypatch.setenv("MILEX_HOME", str(settings.home))
        test = AppTest.from_file(str(settings.home / "dashboard" / "app.py"), default_timeout=30)
        for name, value in query.items():
            test.query_params[name] = value
        return test.run()

    yield open_app
    data._open.clear()
    data._remembered.clear()
