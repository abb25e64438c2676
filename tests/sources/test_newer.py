"""What a publisher's page offers, whatever else it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import MilexError
from pipelines.sources.catalogue import load_catalogue
from pipelines.sources.download import Client
from pipelines.sources.newer import entries, links, offers, unlisted
from tests.sources.conftest import Desk

SIPRI, ATOP = (load_catalogue().datasets[name] for name in ("SIPRI", "ATOP"))
SIPRI_PAGE = """
<!DOCTYPE html><html><head><link rel="stylesheet" href="/core/themes/site.css"></head><body>
<nav><a href="/databases">Databases</a> <a>no address</a> <a href="http://[">broken</a></nav>
<p>Data for all countries <a class="button" href="/sites/default/files/{newest}" target="_blank">
Excel</a> and <a href="https://www.sipri.org/sites/default/files/SIPRI-Milex-data-1949-2024_2.xlsx">
the last edition</a></p>
<a href="/sites/default/files/SIPRI-Top-100-2002-2024%20%282%29.xlsx">Top 100</a>
<a href="/sites/default/files/SIPRI-Milex-data-1949-2031.pdf">Fact sheet</a>
<a href="file:///etc/SIPRI-Milex-data-1949-2032.xlsx">no web address</a>
<a href="javascript:SIPRI-Milex-data-1949-2033.xlsx">nor this</a>
</body>
"""


def names(page: str) -> list[str]:
    return [offer.file_name for offer in links(page, SIPRI)]


@pytest.mark.parametrize(
    "newest",
    [
        "SIPRI-Milex-data-1949-2026.xlsx",
        "SIPRI-Milex-data-1949-2026_0.xlsx",
        "SIPRI-Milex-data-1948-2026_v1.2.xlsx",
        "2027-04/SIPRI-Milex-data-1949-2026.xlsx?v=3#x",
        "SIPRI-Milex-data-1949%2D2026.xlsx",
    ],
)
def test_the_newest_workbook_comes_first(newest: str) -> None:
    first, second = links(SIPRI_PAGE.format(newest=newest), SIPRI)

    assert (first.version, second.version) == ("2026", "2024")
    assert first.url.startswith("https://www.sipri.org/sites/default/files/")
    assert "/" not in first.file_name


def test_revisions_are_ordered_by_number_and_not_by_letter() -> None:
    revisions = ["_v1.9", "_v1.10", "", "_v1.2"]
    page = "".join(f'<a href="SIPRI-Milex-data-1949-2025{end}.xlsx">x</a>' for end in revisions)

    assert names(page)[0] == "SIPRI-Milex-data-1949-2025_v1.10.xlsx"


def test_the_newest_version_of_the_alliances_comes_first() -> None:
    page = "".join(
        f'<a href="/uploads/6/9/1/3/69134503/{name}">x</a>'
        for name in (
            "atop_5.1__.csv_.zip",
            "atop_5.10__.csv_.zip",
            "atop_5.9__.csv_.zip",
            "atop_6.0__.dta_.zip",
            "atop_5_1_codebook.pdf",
        )
    )
    found = links(page, ATOP)

    assert [offer.version for offer in found] == ["5.10", "5.9", "5.1"]
    assert [entry.file_name for entry in entries(ATOP, found[0])] == [
        "atop5_10a.csv",
        "atop5_10ap.csv",
        "atop5_10m.csv",
    ]
    assert [offer.version for offer in unlisted(load_catalogue(), found)] == ["5.10", "5.9"]


@pytest.mark.parametrize(
    "page", ["", "Access denied", "<a href='SIPRI-Milex-data-1949-2026.pdf'>", "\0<<a><a href>"]
)
def test_a_page_that_has_changed_is_told_from_one_without_news(desk: Desk, page: str) -> None:
    desk.publisher.on("/databases/milex", page.encode())

    with pytest.raises(MilexError, match=r"/databases/milex has no link of the form SIPRI-Milex"):
        offers(Client(desk.limits), desk.catalogue.datasets["SIPRI"])


@given(st.text(alphabet="<>a href=\"'/SIPRI-Milex-data-1949-2026.xlsx&#;!?\n\0", max_size=300))
def test_any_text_is_a_page(page: str) -> None:
    assert all("/" not in name and name.endswith(".xlsx") for name in map(str.lower, names(page)))
