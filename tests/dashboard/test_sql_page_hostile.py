"""Every hostile statement through the page SQL itself: one session, the server's own workers."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data, sql_workers
from pipelines.adhoc.limits import DASHBOARD
from tests.adhoc.hostile import HOSTILE, SAID, TRICKS, kinds_of, name_of
from tests.conftest import BuiltData
from tests.dashboard.pages import opened


@pytest.fixture(scope="module")
def session(
    excerpt_data: BuiltData, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AppTest, Path]]:
    """A reader's session on the page, and the folder of its snapshot; a query may take 3 s."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_workers, "LIMITS", replace(DASHBOARD, seconds=3.0))
        sql_workers.pool.clear()

        def open_app(settings) -> AppTest:
            patch.setenv("MILEX_DATA", str(settings.data))
            patch.setenv("MILEX_HOME", str(settings.home))
            app = settings.home / "dashboard" / "app.py"
            return AppTest.from_file(str(app), default_timeout=60).run()

        yield opened(open_app, excerpt_data.settings, folder, "sql"), folder
        sql_workers.pool.clear()
        data._open.clear()
        data._remembered.clear()


def ask(page: AppTest, sql: str) -> AppTest:
    """Ask by the address, or as the editor does where no address can carry the query."""
    try:
        sql.encode()
    except UnicodeEncodeError:
        page.query_params.pop("q", None)
        page.session_state["sql"] = sql
    else:
        page.query_params["q"] = sql
    return page.run()


@pytest.mark.parametrize(("kind", "sql"), HOSTILE, ids=[name_of(sql) for _, sql in HOSTILE])
def test_a_hostile_statement_gets_a_message_and_no_answer(
    session: tuple[AppTest, Path], kind: str, sql: str
) -> None:
    page, folder = session
    ask(page, sql)
    assert not page.exception
    assert [error.value for error in page.error] == ["No answer."]
    (said,) = (code.value for code in page.code)
    assert any(re.search(SAID[one], said) for one in kinds_of(kind))
    for secret in (str(folder), os.getcwd(), str(Path.home()) + "/"):
        assert secret not in said
    assert not page.dataframe
    assert not page.warning
    assert not list(Path("/tmp").glob("milex-hostile*"))
    ask(page, f"SELECT {len(sql)} AS answer")
    assert page.dataframe[0].value["answer"].tolist() == [len(sql)]


@pytest.mark.parametrize("sql", TRICKS)
def test_what_only_looks_hostile_is_answered(session: tuple[AppTest, Path], sql: str) -> None:
    page, _ = session
    ask(page, sql)
    assert not page.exception
    assert not page.error
    assert [tuple(row) for row in page.dataframe[0].value.to_numpy()] == TRICKS[sql]


def test_nothing_was_written_beside_the_snapshot(
    session: tuple[AppTest, Path], excerpt_data: BuiltData
) -> None:
    _, folder = session
    found = {path.name for path in (folder / "processed").rglob("*")}
    assert found == {"milex.duckdb", "snapshots", excerpt_data.snapshot.name}
