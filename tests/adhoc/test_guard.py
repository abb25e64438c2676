"""What the guard makes of metrics that are given a table by its name."""

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.adhoc.guard import Guard, Refused

DATABASE = """
CREATE TABLE spending (edition INTEGER);
CREATE MACRO plain(source, title) AS TABLE SELECT title FROM query_table(source);
CREATE MACRO clever(source) AS TABLE FROM query_table('' || source);
"""


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    with duckdb.connect() as connection:
        connection.execute(DATABASE)
        yield Guard.of(connection)


@pytest.mark.parametrize(
    ("sql", "runs"),
    [
        ("FROM plain('spending', 'claims')", True),
        ("WITH own AS (SELECT 1) FROM plain(source := 'Own', title := 'x')", True),
        ("FROM plain('duckdb_settings', 'claims')", False),
        ("FROM plain(title := 'claims', source := 'sqlite_master')", False),
        ("FROM plain(title, 'claims')", False),
        ("FROM clever('spending')", True),
        ("FROM clever('sqlite_master')", False),
    ],
)
def test_a_metric_reads_by_name_what_a_query_may_read(guard: Guard, sql: str, runs: bool) -> None:
    if runs:
        guard.check(sql)
    else:
        with pytest.raises(Refused, match="takes the name of a table"):
            guard.check(sql)
