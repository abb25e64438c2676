"""Questions about the snapshot itself: its checks, its documentation, its small tables.

SQL in, tables out; knows no page.
"""

from __future__ import annotations

from dashboard import queries
from dashboard.database import Database
from pipelines.table import Table

# What is ours to pass on whole: documentation and results, and none of the publishers' figures.
OWN_TABLES = (
    "alliance_lifespans",
    "alliance_logrank",
    "allies_burden",
    "checks",
    "claim_editions",
    "claim_revisions",
    "claims",
    "countries",
    "editions",
    "joint_specifications",
    "omitted_countries",
    "place_names",
    "region_members",
    "region_parts",
    "snapshot",
    "sources",
    "specification_rules",
)


def checks(db: Database) -> Table:
    """The checks of the build, the failed ones first. failing, excepted: rows."""
    found = db.rows(
        "SELECT check_name, CASE WHEN passed THEN 'passed' ELSE 'failed' END AS outcome, severity, "
        "asset, description, failing, excepted, sample, known_exceptions FROM main.checks "
        "ORDER BY passed, list_position(['blocking', 'error', 'warning'], severity), check_name"
    )
    return Table(found.columns, found.rows, {"failing": "rows", "excepted": "rows"})


def false_zeros(db: Database) -> Table:
    """How many figures an edition prints as 0 that are no zeros: read as unavailable, with a note."""
    return db.rows(
        "SELECT edition, count(*) AS figures FROM main.observations "
        "WHERE measure = 'current_usd' AND notes LIKE '%SIPRI prints 0 here%' "
        "GROUP BY edition ORDER BY edition"
    )


def dictionary(db: Database) -> Table:
    """Every column of every public table, from the database's comments."""
    return db.rows(
        r"""
        SELECT table_name AS "table", column_name AS "column", data_type AS type,
               nullif(regexp_extract(comment, ' \[([^\]]+)\]$', 1), '') AS unit,
               regexp_replace(comment, ' \[[^\]]+\]$', '') AS meaning
        FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal
        ORDER BY table_name, column_index
        """
    )


def columns(db: Database, table: str) -> Table:
    """The columns of one table: column, type, unit, meaning."""
    found = dictionary(db)
    return Table(found.columns[1:], [row[1:] for row in found.rows if row[0] == table])


def description(db: Database, table: str) -> str:
    """What one row of a table is, and what to know about it."""
    found = db.rows(
        "SELECT comment FROM duckdb_tables() WHERE schema_name = 'main' AND NOT internal "
        "AND table_name = ?",
        table,
    )
    return str(found.rows[0][0] or "") if found.rows else ""


def metrics(db: Database) -> Table:
    """Every metric: its name, how it is called, and what it gives."""
    return db.rows(
        """
        SELECT function_name AS metric,
               CASE function_type WHEN 'table_macro' THEN 'SELECT * FROM ' ELSE 'SELECT ' END
                   || function_name || '(' || array_to_string(parameters, ', ') || ')' AS call,
               comment AS meaning
        FROM duckdb_functions() WHERE schema_name = 'main' AND NOT internal
        ORDER BY function_name
        """
    )


def whole(db: Database, table: str) -> Table:
    """One of OWN_TABLES with the units of its columns."""
    assert table in OWN_TABLES
    found = db.rows(f"FROM main.{table}")
    units = {
        row["column"]: row["unit"]
        for row in columns(db, table).records()
        if row["unit"] and row["unit"] != "year"
    }
    return Table(found.columns, found.rows, units)


def terms(db: Database) -> Table:
    """Each dataset with its versions at hand, its licence and its citation, without a version."""
    return db.rows(
        r"""
        SELECT dataset, string_agg(DISTINCT version, ', ' ORDER BY version) AS versions,
               any_value(licence) AS licence,
               any_value(regexp_replace(citation, ' (Edition|Version) [^ ]+\.$', '')) AS citation
        FROM main.sources GROUP BY dataset ORDER BY dataset
        """
    )


def provenance(db: Database) -> list[str]:
    """The lines that go with a table that rests on every dataset: how to cite each, which snapshot."""
    facts = queries.facts(db)
    return [
        *(
            f"Data: {row['dataset']} ({row['versions']}). {row['citation']}"
            for row in terms(db).records()
        ),
        f"Computed with Milex {facts.get('milex', '')}; snapshot built {facts.get('built_at', '')}.",
    ]
