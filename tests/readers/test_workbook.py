import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from python_calamine import CalamineError, CalamineWorkbook

from pipelines.errors import ReadError
from pipelines.readers import workbook
from pipelines.readers.workbook import BLUE, NO_HUE, RED, Workbook, column_index, coordinate
from tests.readers.make_workbook import colour, rewrite, rowwise_dimensions, save


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Values at B2:D3, nothing in row 1 and column A."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "One & only"
    for column, cell in enumerate([1, 2.5, "text"], 2):
        sheet.cell(2, column, cell)
        sheet.cell(3, column, cell)
    colour(sheet["B2"], rgb="FF0000FF")
    colour(sheet["C2"], rgb="FFFF0000")
    colour(sheet["D2"], rgb="FF2738E1")
    colour(sheet["B3"], indexed=12)
    colour(sheet["C3"], indexed=10)
    colour(sheet["D3"], rgb="FF111111")
    return save(book, tmp_path / "small.xlsx")


def test_coordinates_are_kept(small: Path) -> None:
    sheet = Workbook(small).sheet("One & only")
    assert sheet.rows == [["", "", "", ""], ["", 1, 2.5, "text"], ["", 1, 2.5, "text"]]


def test_hues(small: Path) -> None:
    hues = Workbook(small).sheet("One & only").hues
    expected = [[0, 0, 0, 0], [0, BLUE, RED, BLUE], [0, BLUE, RED, NO_HUE]]
    np.testing.assert_array_equal(hues, expected)


def test_indexed_colours_take_the_workbooks_own_palette(small: Path) -> None:
    own = "".join(f'<rgbColor rgb="00{c}"/>' for c in ["000000"] * 10 + ["000000", "0", "DD0806"])
    colours = f"<colors><indexedColors>{own}</indexedColors></colors></styleSheet>".encode()

    def with_palette(name: str, content: bytes) -> bytes:
        return (
            re.sub(b"(<colors>.*)?</styleSheet>", colours, content) if "styles" in name else content
        )

    hues = Workbook(rewrite(small, with_palette)).sheet("One & only").hues
    assert hues[2].tolist() == [0, RED, NO_HUE, NO_HUE]


@pytest.mark.parametrize(
    ("index", "hue"), [(1, 0), (3, 0), (4, BLUE), (5, RED), (6, 0), (10, BLUE), (99, 0)]
)
def test_theme_colours(tmp_path: Path, index: int, hue: int) -> None:
    """Office's theme: 3 is the dark blue of text, 4 and 5 blue and red accents, 10 links' blue."""
    book = openpyxl.Workbook()
    book.active["A1"] = 1
    colour(book.active["A1"], theme=index)
    sheet = Workbook(save(book, tmp_path / "theme.xlsx")).sheet("Sheet")
    assert sheet.hues.tolist() == [[hue]]


def test_attributes_of_cells_in_any_order(small: Path) -> None:
    def reorder(name: str, content: bytes) -> bytes:
        if "worksheets/" not in name:
            return content
        for column in b"BCD":
            letter = bytes([column])
            content = content.replace(b'<c r="%b2" s=' % letter, b'<c z="1" r="%b2" s=' % letter)
        return content.replace(b'<c r="B3" s="', b'<c s="').replace(b' z="1"', b"")

    # B3 has lost its reference: the first cell of row 3, so it counts as A3.
    hues = Workbook(rewrite(small, reorder)).sheet("One & only").hues
    assert hues[1].tolist() == [0, BLUE, RED, BLUE]
    assert hues[2].tolist() == [BLUE, 0, RED, 0]


def test_dimension_without_columns_reads_the_same(small: Path) -> None:
    before = Workbook(small).sheet("One & only")
    after = Workbook(rewrite(small, rowwise_dimensions)).sheet("One & only")
    assert after.rows == before.rows
    np.testing.assert_array_equal(after.hues, before.hues)


def test_the_dimension_does_break_calamine(small: Path) -> None:
    """Else the test before would prove nothing."""
    book = CalamineWorkbook.from_path(str(rewrite(small, rowwise_dimensions)))
    with pytest.raises(CalamineError, match="expected column component"):
        book.get_sheet_by_name("One & only")


def test_formulas_give_their_cached_value(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["=1+1", "=2+2", 3])
    path = save(book, tmp_path / "formulas.xlsx")

    def cache(name: str, content: bytes) -> bytes:
        return content.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>").replace(
            b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>"
        )

    sheet = Workbook(rewrite(path, cache)).sheet("Sheet")
    assert sheet.rows == [[2, "", 3]]
    assert sheet.uncalculated == {(0, 1)}


def test_coordinates() -> None:
    for index, letters in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")]:
        assert coordinate(0, index) == f"{letters}1"
        assert column_index(letters.encode()) == index


# --- what is refused --------------------------------------------------------------------------


def refusal(path: Path) -> str:
    def read() -> None:
        book = Workbook(path)
        for name in book.sheet_names:
            book.sheet(name)

    with pytest.raises(ReadError) as caught:
        read()
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"\n<!DOCTYPE html><html>404</html>", "a web page"),
        (b"\xef\xbb\xbf<HTML>", "a web page"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"Country;2020\n", "not a zip archive"),
        (b"PK\x03\x04 and nothing more", "damaged or incomplete"),
    ],
)
def test_no_workbook(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "no.xlsx"
    path.write_bytes(content)
    assert found in refusal(path)


def test_missing_file(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.xlsx")


def test_truncated(small: Path) -> None:
    small.write_bytes(small.read_bytes()[:-100])
    assert "damaged or incomplete" in refusal(small)


def test_damaged_part(small: Path) -> None:
    data = bytearray(small.read_bytes())
    with zipfile.ZipFile(small) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 60
    data[at : at + 20] = bytes(20)
    small.write_bytes(data)
    assert "damaged or incomplete" in refusal(small)


def test_another_kind_of_zip(tmp_path: Path) -> None:
    path = tmp_path / "other.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "without the part xl/workbook.xml" in refusal(path)


def test_too_large(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_PACKED_BYTES", 100)
    assert "larger than 100 bytes" in refusal(small)


def test_too_many_parts(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_PARTS", 3)
    assert "parts (limit 3)" in refusal(small)


def test_zip_bomb_by_ratio(small: Path) -> None:
    with zipfile.ZipFile(small, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(8 * 2**20))
    assert "packed" in refusal(small)


def test_zip_bomb_by_size(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_UNPACKED_BYTES", 1000)
    assert "bytes unpacked (limit 1,000)" in refusal(small)


def test_a_directory_that_lies_about_sizes(small: Path) -> None:
    with zipfile.ZipFile(small, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(2**20))
    data = small.read_bytes()
    small.write_bytes(data.replace(struct.pack("<I", 2**20), struct.pack("<I", 10)))
    assert "damaged or incomplete" in refusal(small)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_parts_of_one_name(small: Path) -> None:
    with zipfile.ZipFile(small, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<worksheet/>")
    assert "two parts of one name" in refusal(small)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
@pytest.mark.parametrize(
    "declaration", [b'<!DOCTYPE x [<!ENTITY a "b">]>', b'<!DOCTYPE x SYSTEM "file:///etc/passwd">']
)
def test_document_type_declarations(small: Path, part: str, declaration: bytes) -> None:
    def declare(name: str, content: bytes) -> bytes:
        return declaration + content if name == part else content

    assert "document type" in refusal(rewrite(small, declare))


def test_declarations_hidden_in_utf16(small: Path) -> None:
    def encode(name: str, content: bytes) -> bytes:
        if "sheet1" not in name:
            return content
        return content.decode().replace("UTF-8", "UTF-16").encode("utf-16")

    assert "not plain UTF-8" in refusal(rewrite(small, encode))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("xl/workbook.xml", "list of sheets"),
        ("xl/styles.xml", "table of styles"),
        ("xl/worksheets/sheet1.xml", "sheet 'One & only'"),
    ],
)
def test_parts_that_are_not_well_formed(small: Path, part: str, said: str) -> None:
    def cut(name: str, content: bytes) -> bytes:
        return content[: len(content) // 2] + b"<" if name == part else content

    assert said in refusal(rewrite(small, cut))


def test_a_listed_sheet_that_is_not_there(small: Path) -> None:
    path = rewrite(small, lambda name, content: None if "sheet1" in name else content)
    assert "listed but not in the file" in refusal(path)


def test_a_vast_grid(small: Path) -> None:
    def far(name: str, content: bytes) -> bytes:
        cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        return content.replace(b"</sheetData>", cell) if "sheet1" in name else content

    assert "XFD1048576" in refusal(rewrite(small, far))
