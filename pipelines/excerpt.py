"""The committed excerpt: figures that stand in for files that are not there, as reader output.

An excerpt is tidy CSV below data/raw/excerpt/: names and figures alone, no footnotes. Alliance
excerpts keep ATOP's own column names, so ATOP's reader reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from pipelines.errors import ReadError
from pipelines.readers.atop import read_atop
from pipelines.readers.sipri import SipriEdition
from pipelines.readers.treaties import AllianceVersion
from pipelines.sources.find import SourceFile

UNITS = {
    "constant_usd": "US$ m., constant {base_year} prices",
    "current_usd": "US$ m., current prices",
    "share_of_gdp": "fraction of GDP",
    "share_of_government_spending": "fraction of government spending",
    "per_capita_usd": "US$ per head",
}
# Regional totals stand in the same file, under these measures, in US$ billions.
REGIONAL = {"regional_constant_usd_bn": "constant", "regional_current_usd_bn": "current"}


def read_edition(file: SourceFile) -> SipriEdition:
    """An excerpt of one edition, in the shape of the reader's output.

    Raises ReadError when the file is not as the project wrote it.
    """
    edition = int(file.version or 0)
    try:
        rows = pd.read_csv(file.path, dtype={"unit": "str", "status": "str"})
        about = pd.read_csv(file.path.with_name("sipri_editions.csv")).set_index("edition")
        omitted = pd.read_csv(file.path.with_name("sipri_omitted.csv"), dtype="str")
        described = dict(about.loc[[edition]].astype(int).iloc[0].items())
    except (OSError, KeyError, ValueError) as error:
        raise ReadError(
            f"{file.file_name}: the committed excerpt is damaged ({error}). "
            "Restore data/raw/excerpt/ from the repository."
        ) from error
    base_year = described["base_year"]
    regional = rows["measure"].isin(list(REGIONAL))
    figures = rows[~regional].rename(columns={"place": "country"})
    units = figures["measure"].map({k: v.format(base_year=base_year) for k, v in UNITS.items()})
    figures = figures.assign(
        edition=edition,
        unit=figures["unit"].fillna(units),
        status=figures["status"].fillna("reported"),
    )
    of_edition = omitted[omitted["edition"] == str(edition)]
    totals = rows[regional].rename(columns={"place": "region", "value": "value_bn"})
    totals = totals.assign(
        edition=edition,
        prices=totals["measure"].map(REGIONAL),
        status=totals["status"].fillna("reported"),
        omitted=totals["region"].map(of_edition.set_index("region")["omitted"]).fillna(""),
    )
    return SipriEdition(
        edition=edition,
        base_year=base_year,
        first_year=described["first_year"],
        last_year=described["last_year"],
        figures=figures[["edition", "measure", "country", "year", "value", "unit", "status"]],
        notes=pd.DataFrame({"edition": [], "measure": [], "country": []}),
        regional_totals=totals[
            ["edition", "region", "year", "prices", "value_bn", "status", "omitted"]
        ],
        footnotes=pd.DataFrame({"edition": [], "mark": [], "text": []}),
    )


def read_alliances(group: Mapping[str, SourceFile]) -> AllianceVersion:
    """An excerpt of one ATOP version: every alliance, and the members of some.

    What the excerpt holds of members gives phases, spells and counts of those alliances only.
    """
    version = read_atop({"alliance": group["alliance"].path})
    if "member" not in group:
        return replace(version, phases=version.phases.iloc[:0])
    some = read_atop({"member": group["member"].path})
    counts = some.alliances.set_index("alliance_id")["member_count"]
    alliances = version.alliances.assign(
        member_count=version.alliances["alliance_id"].map(counts).astype("Int64")
    )
    return replace(
        version,
        alliances=alliances,
        phases=some.phases,
        members=some.members,
        member_phases=some.member_phases,
    )
