"""The reviewed tables of countries and codes as frames, for tests that look things up in them."""

import pandas as pd

from pipelines.countries import code_rows, country_rows
from pipelines.names import COLUMNS


def countries() -> pd.DataFrame:
    return _frame("staging.country_table", country_rows())


def codes() -> pd.DataFrame:
    return _frame("staging.country_codes", code_rows())


def _frame(table: str, rows: list[tuple[object, ...]]) -> pd.DataFrame:
    typed = [column.split() for column in COLUMNS[table].split(", ")]
    whole = {name: "Int64" for name, kind in typed if kind == "BIGINT"}
    return pd.DataFrame(rows, columns=[name for name, _ in typed]).astype(whole)
