"""An .xlsx workbook as grids of values and of font hues; knows nothing of SIPRI."""

import colorsys
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from python_calamine import CalamineWorkbook

from pipelines.errors import ReadError

# What a hostile or broken file may cost before it is refused. SIPRI's largest edition so far
# has 1.0 MB packed, 5.5 MB unpacked, 30 parts and 130,000 cells in its largest grid.
MAX_PACKED_BYTES = 64 * 2**20
MAX_UNPACKED_BYTES = 512 * 2**20
MAX_PARTS = 2_000
MAX_RATIO = 200
MAX_GRID_CELLS = 5_000_000

NO_HUE, BLUE, RED = 0, 1, 2

_PEEK_BYTES = 256 * 2**10

GET_ANOTHER = "Download the file again from its publisher, or save it anew as .xlsx."

_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"
_CELL = re.compile(rb'<(?:\w+:)?c\s+r="([A-Z]{1,3})([0-9]{1,7})"(?:[^>]*?\ss="([0-9]+)")?')
_CELL_TAG = re.compile(rb"<(?:\w+:)?c[\s/>]")
_DIMENSION = re.compile(rb"<(\w+:)?dimension\b[^>]*?(?:/>|>\s*</(?:\w+:)?dimension\s*>)")
# A formula right before the cell's end: no cached value (<v>) follows it.
_UNCALCULATED = re.compile(
    rb"<(?:\w+:)?c\s[^>]*?\br=\"([A-Z]{1,3})([0-9]{1,7})\"[^>]*>"
    rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)


@dataclass(frozen=True)
class Sheet:
    """One worksheet, both grids anchored at cell A1.

    `rows` holds the cells' values (cached values of formulas; '' for an empty cell or an
    error value), all rows equally long; `hues` has the same shape and holds NO_HUE, BLUE or
    RED; `uncalculated` holds the (row, column), from 0, of formulas without a cached value.
    """

    name: str
    rows: list[list[object]]
    hues: NDArray[np.int8]
    uncalculated: frozenset[tuple[int, int]]


class Workbook:
    """A workbook read into memory, its sheets parsed as they are asked for.

    Raises ReadError where the file is no .xlsx, is broken, is too large, or holds a document
    type declaration (which no spreadsheet program writes).
    """

    def __init__(self, path: Path) -> None:
        """Read the parts of the workbook at `path`."""
        self.path = Path(path)
        self._bytes = _read_bytes(self.path)
        self._parts = _unpack(self.path, self._bytes)
        self._sheet_parts = self._locate_sheets()

    @property
    def sheet_names(self) -> list[str]:
        """The worksheets' names as printed on their tabs, in order."""
        return list(self._sheet_parts)

    def sheet(self, name: str) -> Sheet:
        """The sheet of that name; ReadError if it cannot be parsed."""
        part = self._sheet_parts[name]
        xml = self._parts[part]
        try:
            cells = _cells(xml)
        except (ElementTree.ParseError, ValueError) as error:
            raise self._broken(f"sheet {name!r} is not well-formed XML ({error})") from error
        self._refuse_vast_grid(name, cells)
        hue_of_style = self._hue_of_style
        rows = self._values(name)
        shape = (len(rows), len(rows[0]) if rows else 0)
        return Sheet(name, rows, _hues(cells, hue_of_style, shape), _uncalculated(xml))

    def _values(self, name: str) -> list[list[object]]:
        try:
            return _grid(self._calamine, name)
        except ReadError as first:
            try:
                return _grid(self._calamine_without_dimensions, name)
            except ReadError:
                raise self._broken(f"sheet {name!r} cannot be parsed ({first})") from first

    @cached_property
    def _calamine(self) -> CalamineWorkbook:
        return _open_calamine(self._bytes)

    @cached_property
    def _calamine_without_dimensions(self) -> CalamineWorkbook:
        """The same workbook without the sheets' own word on their extent.

        Copies saved by LibreOffice may state it without column letters, which calamine
        refuses; without the element it takes the extent from the cells.
        """
        sheets = set(self._sheet_parts.values())
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
            for part, content in self._parts.items():
                kept = _DIMENSION.sub(b"", content) if part in sheets else content
                archive.writestr(part, kept)
        return _open_calamine(packed.getvalue())

    @cached_property
    def _hue_of_style(self) -> dict[bytes, int]:
        """Style number, as the sheets write it, to hue; styles without a hue are left out."""
        styles = self._parts.get("xl/styles.xml")
        if styles is None:
            return {}
        try:
            root = ElementTree.fromstring(styles)
            theme = _theme_colours(self._parts.get("xl/theme/theme1.xml"))
            palette = _palette(root)
            fonts = [
                _hue(_rgb(font.find("{*}color"), palette, theme))
                for font in root.findall("{*}fonts/{*}font")
            ]
            of_style = {
                str(number).encode(): fonts[int(style.get("fontId", "0"))]
                for number, style in enumerate(root.findall("{*}cellXfs/{*}xf"))
            }
        except (ElementTree.ParseError, ValueError, IndexError) as error:
            raise self._broken(f"its table of styles cannot be parsed ({error})") from error
        return {style: hue for style, hue in of_style.items() if hue}

    def _locate_sheets(self) -> dict[str, str]:
        """Worksheet name to part; tabs that hold only a chart or a macro are left out."""
        try:
            book = ElementTree.fromstring(self._parts["xl/workbook.xml"])
            relations = ElementTree.fromstring(self._parts["xl/_rels/workbook.xml.rels"])
        except KeyError as error:
            raise ReadError(
                f"{self.path}: expected an .xlsx workbook, found a zip archive without the "
                f"part {error.args[0]}. {GET_ANOTHER}"
            ) from error
        except ElementTree.ParseError as error:
            raise self._broken(f"its list of sheets cannot be parsed ({error})") from error
        targets = {
            relation.get("Id"): posixpath.normpath(
                posixpath.join("/xl", relation.get("Target", ""))
            ).lstrip("/")
            for relation in relations
            if relation.get("Type", "").endswith("/worksheet")
        }
        located: dict[str, str] = {}
        for sheet in book.findall("{*}sheets/{*}sheet"):
            identifier = next((v for k, v in sheet.items() if k.endswith("}id")), None)
            if identifier not in targets:
                continue
            if targets[identifier] not in self._parts:
                raise self._broken(f"sheet {sheet.get('name')!r} is listed but not in the file")
            located[sheet.get("name", "")] = targets[identifier]
        return located

    def _refuse_vast_grid(self, name: str, cells: list[tuple[bytes, bytes, bytes]]) -> None:
        """One cell at XFD1048576 would make a dense grid of 17 thousand million cells."""
        height = max((int(row) for _, row, _ in cells), default=0)
        width = max((column_index(column) for column in {c for c, _, _ in cells}), default=-1) + 1
        if height * width > MAX_GRID_CELLS:
            raise self._broken(
                f"sheet {name!r} reaches to {coordinate(height - 1, width - 1)}, "
                f"beyond the limit of {MAX_GRID_CELLS:,} cells"
            )

    def _broken(self, what: str) -> ReadError:
        return ReadError(f"{self.path}: {what}. {GET_ANOTHER}")


def peek(path: Path) -> tuple[list[str], str]:
    """A workbook's sheet names and an XML text that holds its first texts, at little cost.

    The sheets are read at their heads only, for writers that keep texts there. Raises ReadError
    where the file is no .xlsx or is broken.
    """
    texts: list[bytes] = []
    names: list[str] = []
    with _archive(Path(path), _read_bytes(Path(path))) as (archive, members):
        for member in members:
            if member.filename == "xl/workbook.xml":
                book = archive.read(member).decode("utf-8", "replace")
                names = re.findall(r"<(?:\w+:)?sheet\s[^>]*?\bname=\"([^\"]*)\"", book)
            elif member.filename == "xl/sharedStrings.xml" or "/worksheets/" in member.filename:
                with archive.open(member) as part:
                    texts.append(part.read(_PEEK_BYTES))
    return names, b"".join(texts).decode("utf-8", "replace")


@lru_cache(maxsize=20_000)
def column_index(letters: bytes) -> int:
    """Column letters to index from 0: b'A' → 0, b'AA' → 26."""
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def coordinate(row: int, column: int) -> str:
    """Row and column from 0 to what a spreadsheet shows: (11, 3) → 'D12'."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _read_bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_PACKED_BYTES:
            raise ReadError(
                f"{path}: {path.stat().st_size:,} bytes, beyond the limit of "
                f"{MAX_PACKED_BYTES:,} for a workbook. Check that it is the publisher's file."
            )
        return path.read_bytes()
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read ({error.strerror}). Check the path and its permissions."
        ) from error


def _unpack(path: Path, data: bytes) -> dict[str, bytes]:
    """The archive's parts, free of document type declarations."""
    with _archive(path, data) as (archive, members):
        parts = {member.filename: archive.read(member) for member in members}
    for name, content in parts.items():
        if name.endswith((".xml", ".rels")):
            _refuse_declarations(path, name, content)
    return parts


@contextmanager
def _archive(path: Path, data: bytes) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """The zip archive, within the limits, and its members; damage to it as a ReadError."""
    if not data.startswith(b"PK"):
        raise ReadError(f"{path}: expected an .xlsx workbook, found {_guess(data)}. {GET_ANOTHER}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _refuse_bomb(path, members, len(data))
            yield archive, members
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,  # an encrypted member
        NotImplementedError,  # a compression method unknown here
        ValueError,
    ) as error:
        raise ReadError(
            f"{path}: expected an .xlsx workbook, found a damaged or incomplete one "
            f"({error}). {GET_ANOTHER}"
        ) from error


def _guess(data: bytes) -> str:
    start = data[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if not data:
        return "an empty file"
    if start.startswith(_OLE_SIGNATURE):
        return "an old .xls workbook or one locked with a password"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return "a web page (a download that was answered with an error page?)"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer instead of the file"
    return "something else (not a zip archive)"


def _refuse_bomb(path: Path, members: list[zipfile.ZipInfo], packed: int) -> None:
    """Judge by the archive's directory; a directory that lies fails the CRC when read."""
    unpacked = sum(member.file_size for member in members)
    names = {member.filename for member in members}
    for excess in (
        f"{len(members):,} parts (limit {MAX_PARTS:,})" if len(members) > MAX_PARTS else "",
        f"{unpacked:,} bytes unpacked (limit {MAX_UNPACKED_BYTES:,})"
        if unpacked > MAX_UNPACKED_BYTES
        else "",
        f"packed {unpacked // max(packed, 1)}-fold (limit {MAX_RATIO})"
        if unpacked > MAX_RATIO * packed
        else "",
        "two parts of one name" if len(names) < len(members) else "",
    ):
        if excess:
            raise ReadError(
                f"{path}: expected an .xlsx workbook, found an archive with {excess}: refused "
                "as unsafe. Check that it is the publisher's file."
            )


def _refuse_declarations(path: Path, part: str, content: bytes) -> None:
    # UTF-16 could hide a declaration from the search; the format's writers all use UTF-8.
    if b"\0" in content[:64] or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ReadError(
            f"{path}: the part {part} is not plain UTF-8 XML or declares a document type or "
            "entities: refused as unsafe. Check that it is the publisher's file."
        )


def _open_calamine(data: bytes) -> CalamineWorkbook:
    with _calamine_errors():
        return CalamineWorkbook.from_filelike(io.BytesIO(data))


def _grid(book: CalamineWorkbook, name: str) -> list[list[object]]:
    with _calamine_errors():
        return [list(row) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]


@contextmanager
def _calamine_errors() -> Iterator[None]:
    """Any failure within calamine, a panic of its Rust code included, as a ReadError."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic is no Exception
        raise ReadError(f"{type(error).__name__}: {error}") from error


def _cells(xml: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(column letters, row number, style number or b'') of every cell of a sheet."""
    found: list[tuple[bytes, bytes, bytes]] = _CELL.findall(xml)
    if len(found) == len(_CELL_TAG.findall(xml)):
        return found
    return list(_cells_in_any_form(xml))


def _cells_in_any_form(xml: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The same by a full parse: attributes in another order, or references left out."""
    row = column = 0
    for _, element in ElementTree.iterparse(io.BytesIO(xml), events=("start",)):
        tag = element.tag.rpartition("}")[2]
        if tag == "row":
            row, column = int(element.get("r", row + 1)), 0
        elif tag == "c":
            reference = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", element.get("r", ""))
            if reference:
                column, row = column_index(reference[1].encode()) + 1, int(reference[2])
            else:
                column += 1
            letters = coordinate(0, column - 1)[:-1]
            yield letters.encode(), str(row).encode(), element.get("s", "").encode()


def _hues(
    cells: list[tuple[bytes, bytes, bytes]], hue_of_style: dict[bytes, int], shape: tuple[int, int]
) -> NDArray[np.int8]:
    grid = np.zeros(shape, dtype=np.int8)
    for column, row, style in cells:
        hue = hue_of_style.get(style)
        if hue:
            at = int(row) - 1, column_index(column)
            # A styled but empty cell may lie beyond the last value.
            if at[0] < shape[0] and at[1] < shape[1]:
                grid[at] = hue
    return grid


def _uncalculated(xml: bytes) -> frozenset[tuple[int, int]]:
    if b"<f" not in xml and b":f" not in xml:
        return frozenset()
    return frozenset(
        (int(row) - 1, column_index(column)) for column, row in _UNCALCULATED.findall(xml)
    )


def _palette(styles: ElementTree.Element) -> list[str]:
    """The workbook's own indexed colours as RRGGBB, completed by the format's standard ones."""
    own = [c.get("rgb", "")[-6:] for c in styles.findall("{*}colors/{*}indexedColors/{*}rgbColor")]
    return own + _STANDARD_PALETTE[len(own) :]


_STANDARD_PALETTE = re.findall(
    "[0-9A-F]{6}",
    """
    000000 FFFFFF FF0000 00FF00 0000FF FFFF00 FF00FF 00FFFF
    000000 FFFFFF FF0000 00FF00 0000FF FFFF00 FF00FF 00FFFF
    800000 008000 000080 808000 800080 008080 C0C0C0 808080
    9999FF 993366 FFFFCC CCFFFF 660066 FF8080 0066CC CCCCFF
    000080 FF00FF FFFF00 00FFFF 800080 800000 008080 0000FF
    00CCFF CCFFFF CCFFCC FFFF99 99CCFF FF99CC CC99FF FFCC99
    3366FF 33CCCC 99CC00 FFCC00 FF9900 FF6600 666699 969696
    003366 339966 003300 333300 993300 993366 333399 333333
    """,
)


def _theme_colours(theme: bytes | None) -> list[str]:
    """The theme's colours as RRGGBB, in the order in which cells number them."""
    if theme is None:
        return []
    scheme = ElementTree.fromstring(theme).find("{*}themeElements/{*}clrScheme")
    if scheme is None:
        return []
    colours = [
        (slot[0].get("lastClr") or slot[0].get("val") or "") if len(slot) else "" for slot in scheme
    ]
    # The file lists dark 1, light 1, dark 2, light 2; cells number light before dark.
    return [colours[i] for i in (1, 0, 3, 2)] + colours[4:] if len(colours) > 3 else colours


def _rgb(colour: ElementTree.Element | None, palette: list[str], theme: list[str]) -> str:
    """A font's colour as RRGGBB; '' for automatic or unknown. A tint leaves the hue alone."""
    if colour is None:
        return ""
    if "rgb" in colour.attrib:
        return colour.attrib["rgb"][-6:]
    for attribute, table in (("indexed", palette), ("theme", theme)):
        if attribute in colour.attrib:
            index = int(colour.attrib[attribute])
            return table[index] if index < len(table) else ""
    return ""


def _hue(rgb: str) -> int:
    """Blue and red by hue, so that near shades (2738E1, DD0806) count, where it is bright.

    A theme's dark text colour (1F497D) is decoration, not a mark.
    """
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", rgb):
        return NO_HUE
    red, green, blue = (int(rgb[i : i + 2], 16) / 255 for i in (0, 2, 4))
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    if saturation < 0.5 or value < 0.6:
        return NO_HUE
    degrees = hue * 360
    if 200 <= degrees <= 260:
        return BLUE
    if degrees <= 15 or degrees >= 345:
        return RED
    return NO_HUE
