"""A raw layer of a few invented rows, and the project's own models built on it."""

from pathlib import Path

import duckdb
import pandas as pd

from pipelines import ingest, names, raw_layer
from pipelines.models import create, load_models
from pipelines.readers import treaties
from pipelines.warehouse import SCHEMAS

MODELS = load_models(Path(__file__).resolve().parents[2] / "sql")
FLAGS = [*treaties.OBLIGATIONS, *treaties.CODES, "bilateral", "left_censored", "right_censored"]
DATES = ["begin_date", "end_date", "entry_date", "exit_date", "closing_date"]
UNITS = {
    "constant_usd": "US$ m., constant 2019 prices",
    "current_usd": "US$ m., current prices",
    "local_currency": "shells",
}
NONE = "unavailable"


class Tiny:
    """Say what the files print, build a model, ask."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for schema in SCHEMAS:
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for statements in (ingest._SIPRI, raw_layer._FILES, raw_layer._UNREADABLE):
            self.connection.execute(statements)
        self.treaties: dict[str, list[dict[str, object]]] = {
            table: [] for table in raw_layer.ALLIANCE_TABLES
        }

    def edition(self, edition: int = 2020, origin: str = "raw", source_id: str = "") -> None:
        """A file that gives an edition."""
        source_id = source_id or str(edition)
        self._insert(
            "raw.files",
            dataset="SIPRI",
            file_name=f"{source_id}.xlsx",
            source_id=source_id,
            origin=origin,
            catalogued=False,
        )
        self._insert(
            "raw.sipri_editions",
            source_id=source_id,
            edition=edition,
            base_year=edition - 1,
            first_year=1990,
            last_year=edition,
        )

    def figure(
        self,
        country: str,
        year: int,
        value: float | None,
        measure: str = "constant_usd",
        status: str | None = None,
        edition: int = 2020,
        source_id: str = "",
    ) -> None:
        """What a cell of a country sheet prints."""
        self._insert(
            "raw.sipri_figures",
            source_id=source_id or str(edition),
            edition=edition,
            measure=measure,
            country=country,
            year=year,
            value=value,
            unit=UNITS.get(measure, "fraction"),
            status=status or (NONE if value is None else "reported"),
        )

    def note(self, country: str, measure: str, marks: str, notes: str, edition: int = 2020) -> None:
        """The footnotes of a row."""
        self._insert(
            "raw.sipri_notes",
            source_id=str(edition),
            edition=edition,
            measure=measure,
            country=country,
            marks=marks,
            notes=notes,
        )

    def total(
        self,
        region: str,
        year: int,
        value: float | None,
        omitted: str = "",
        prices: str = "constant",
        status: str = "reported",
        edition: int = 2020,
    ) -> None:
        """What a cell of the regional totals prints."""
        self._insert(
            "raw.sipri_regional_totals",
            source_id=str(edition),
            edition=edition,
            region=region,
            year=year,
            prices=prices,
            value_bn=value,
            status=status,
            omitted=omitted,
        )

    def treaty(
        self,
        alliance_id: str,
        begin: str,
        end: str | None,
        members: dict[int, tuple[str, str | None]] | list[int],
        ending: str = "fulfilled",
        dataset: str = "ATOP",
        **facts: object,
    ) -> None:
        """An alliance of one phase; members by COW code, with entry and exit if not the whole time."""
        key = {"dataset": dataset, "version": "9", "alliance_id": alliance_id}
        flags = dict.fromkeys(FLAGS, False) | {"defense": True, "bilateral": len(members) == 2}
        ending = "in force" if end is None else ending
        about = {
            **key,
            **flags,
            "begin_date": begin,
            "end_date": end,
            "begin_precision": "day",
            "end_precision": None if end is None else "day",
            "date_precision": "day",
            "member_count": len(members),
            "ending": ending,
            **facts,
        }
        self.treaties["raw.alliances"].append(
            {**about, "closing_date": "2018-12-31", "n_phases": 1}
        )
        self.treaties["raw.alliance_phases"].append({**about, "phase": 1})
        spells = members if isinstance(members, dict) else dict.fromkeys(members, (begin, end))
        for code, (entry, exit_) in spells.items():
            row = {**about, "cow_code": code, "entry_date": entry, "exit_date": exit_}
            row |= {"entry_precision": "day", "exit_precision": "day"}
            self.treaties["raw.alliance_members"].append(row)

    def build(self, *tables: str) -> None:
        """Build these models and what they read."""
        self._write_treaties()
        names.write(self.connection, names.resolve(self.connection))
        wanted = set(tables)
        for name in reversed(MODELS):
            if name in wanted:
                wanted |= MODELS[name].references & MODELS.keys()
        for name, model in MODELS.items():
            if name in wanted:
                create(self.connection, model)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """What a query gives."""
        return [tuple(row) for row in self.connection.execute(query).fetchall()]

    def _insert(self, table: str, **values: object) -> None:
        self.connection.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            list(values.values()),
        )

    def _write_treaties(self) -> None:
        columns = {
            "raw.alliances": [*treaties.ALLIANCE_COLUMNS, "left_censored"],
            "raw.alliance_phases": treaties.PHASE_COLUMNS,
            "raw.alliance_members": treaties.MEMBER_COLUMNS,
            "raw.alliance_member_phases": treaties.MEMBER_PHASE_COLUMNS,
        }
        for table, rows in self.treaties.items():
            frame = pd.DataFrame(rows, columns=[*treaties.KEY, *columns[table]])
            for name in frame.columns.intersection(DATES):
                frame[name] = pd.to_datetime(frame[name])
            for name in frame.columns.intersection(FLAGS):
                frame[name] = frame[name].astype("boolean")
            for name in frame.columns.intersection(
                ["cow_code", "phase", "member_count", "n_phases"]
            ):
                frame[name] = frame[name].astype("int64")
            for name in frame.columns.difference([*DATES, *FLAGS]):
                if frame[name].dtype != "int64":
                    frame[name] = frame[name].astype("str")
            self.connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM frame")
