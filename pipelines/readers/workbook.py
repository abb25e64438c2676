"""An .xlsx workbook as grids of values and of font hues; knows nothing of SIPRI."""

import colorsys
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray
from python_calamine import CalamineWorkbook

from pipelines.errors import ReadError
from pipelines.readers.limits import read_limited

# What a hostile or broken file may cost before it is refused. SIPRI's largest edition so far
# has 1.0 MB packed, 5.5 MB unpacked, 52 parts, a table of styles of 0.2 MB, 38,000 cells in one
# sheet, 130,000 in its largest grid, and texts of up to 1,500 characters.
MAX_PACKED_BYTES = 64 * 2**20
MAX_UNPACKED_BYTES = 128 * 2**20
MAX_PARTS = 500
MAX_RATIO = 200
MAX_TREE_BYTES = 4 * 2**20
MAX_CELLS = 1_000_000  # written in one sheet
MAX_GRID_CELLS = 5_000_000  # spanned by all sheets that are asked for
MAX_DEPTH = 100
MAX_NAME = 255  # characters of a sheet's or part's name
MAX_TEXT = 32_767  # characters in one cell, as in spreadsheet programs
MAX_SHARED_TEXT = 256 * 2**20  # characters, if every cell of a sheet held the longest text

NO_HUE, BLUE, RED = 0, 1, 2

GET_ANOTHER = "Download the file again from its publisher, or save it anew as .xlsx."

_FORMAT = "http://schemas.openxmlformats.org/"
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"
# No pattern passes over a <, and what could be matched in more than one way is atomic, so that
# each takes time in proportion to the text, however hostile.
_PREFIX = rb"<(?:[^\s<>/:]*:)?"
_REFERENCE = rb"([A-Z]{1,3})([1-9][0-9]{0,6})"
_CELL = re.compile(rb'<c\s+r="' + _REFERENCE + rb'"(?:[^<>]*?\ss="([0-9]+)")?')
_TAG_IN_TAG = re.compile(rb"<[^<>]*<")
_CELL_TAG = re.compile(rb"<c[\s/>]")
_DIMENSION = re.compile(_PREFIX + rb"dimension\b[^<>]*>(?:\s*</[^<>]*dimension\s*>)?")
# A formula right before the cell's end: no cached value (<v>) follows it.
_UNCALCULATED = re.compile(
    _PREFIX + rb'c(?=\s)(?>[^<>]*?\sr="' + _REFERENCE + rb'")[^<>]*+>'
    rb"(?>" + _PREFIX + rb"f\b[^<>]*+>(?:(?<=/>)|[^<]*+</[^<>]*>))"
    rb"(?>" + _PREFIX + rb"v\s*(?:/>|></[^<>]*>))?</[^<>]*\bc\s*>"
)
_OTHER_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"'](?!utf-?8[\"'])", re.IGNORECASE)


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
        self._parts = _unpack(self.path)
        self._book = self._tree("xl/workbook.xml", "list of sheets")
        self._relations = [
            (
                relation.get("Id"),
                relation.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/xl", relation.get("Target", ""))).lower()[1:],
            )
            for relation in self._tree("xl/_rels/workbook.xml.rels", "list of parts")
        ]
        self._sheet_parts = self._locate_sheets()
        self._spanned = 0

    @property
    def sheet_names(self) -> list[str]:
        """The worksheets' names as printed on their tabs, in order."""
        return list(self._sheet_parts)

    def sheet(self, name: str) -> Sheet:
        """The sheet of that name; ReadError if it cannot be parsed."""
        xml = self._parts[self._sheet_parts[name]]
        if xml.count(b"<c") + xml.count(b":c") > MAX_CELLS:
            raise self._broken(f"sheet {name!r} has more than {MAX_CELLS:,} cells, the limit")
        try:
            cells = _cells(xml)
        except (expat.ExpatError, ValueError) as error:
            raise self._broken(f"sheet {name!r} is not well-formed XML ({error})") from error
        self._refuse_vast_grid(name, cells)
        self._refuse_repeated_text(name, cells)
        hue_of_style = self._hue_of_style
        rows = self._values(name)
        shape = (len(rows), len(rows[0]) if rows else 0)
        return Sheet(name, rows, _hues(cells, hue_of_style, shape), _uncalculated(xml))

    def _values(self, name: str) -> list[list[object]]:
        with self._calamine_errors(f"sheet {name!r}"):
            sheet = self._calamine.get_sheet_by_index(self.sheet_names.index(name))
            rows = [list[object](row) for row in sheet.to_python(skip_empty_area=False)]
        if any(len(cell) > MAX_TEXT for row in rows for cell in row if type(cell) is str):
            raise self._broken(
                f"sheet {name!r} has a cell with more than {MAX_TEXT:,} characters, the limit"
            )
        return rows

    @cached_property
    def _calamine(self) -> CalamineWorkbook:
        """The located parts alone, in a plain workbook of our own making.

        Calamine finds parts by rules of its own, and where a sheet spans more than the memory
        holds the whole process ends: it must see no sheet that was not measured before. The
        sheets go without their own word on their extent: copies saved by LibreOffice may state
        it without column letters, which calamine refuses.
        """
        sheets = [
            _DIMENSION.sub(b"", self._parts[part], count=1) for part in self._sheet_parts.values()
        ]
        tables = {kind: self._part_of_kind(kind) for kind in ("styles", "sharedStrings")}
        properties = self._book.find("{*}workbookPr")
        from_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        return CalamineWorkbook.from_filelike(_plain_workbook(sheets, tables, from_1904))

    @contextmanager
    def _calamine_errors(self, where: str) -> Iterator[None]:
        """Any failure within calamine, a panic of its Rust code included, as a ReadError."""
        try:
            yield
        except (ReadError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic is no Exception
            raise self._broken(
                f"{where} cannot be parsed ({type(error).__name__}: {str(error)[:200]})"
            ) from error

    @cached_property
    def _hue_of_style(self) -> dict[bytes, int]:
        """Style number, as the sheets write it, to hue; styles without a hue are left out."""
        styles = self._part_of_kind("styles")
        if styles is None:
            return {}
        try:
            root = self._parsed(styles, "table of styles")
            theme = _theme_colours(self._theme)
            palette = _palette(root)
            fonts = [
                _hue(_rgb(font.find("{*}color"), palette, theme))
                for font in root.findall("{*}fonts/{*}font")
            ]
            of_style = {
                str(number).encode(): fonts[int(style.get("fontId", "0"))]
                for number, style in enumerate(root.findall("{*}cellXfs/{*}xf"))
            }
        except (ValueError, IndexError) as error:
            raise self._broken(f"its table of styles cannot be parsed ({error})") from error
        return {style: hue for style, hue in of_style.items() if hue}

    @property
    def _theme(self) -> ElementTree.Element | None:
        theme = self._part_of_kind("theme")
        return None if theme is None else self._parsed(theme, "theme")

    @cached_property
    def _longest_shared_text(self) -> int:
        shared = self._part_of_kind("sharedStrings")
        if shared is None:
            return 0
        try:
            return _longest_text(shared)
        except (expat.ExpatError, ValueError) as error:
            raise self._broken(f"its table of texts cannot be parsed ({error})") from error

    def _locate_sheets(self) -> dict[str, str]:
        """Worksheet name to part; tabs that hold only a chart or a macro are left out."""
        parts = {key: part for key, kind, part in self._relations if kind == "worksheet"}
        located: dict[str, str] = {}
        for sheet in self._book.findall("{*}sheets/{*}sheet"):
            name = sheet.get("name", "")
            part = parts.get(next((v for k, v in sheet.items() if k.endswith("}id")), None))
            if part is None:
                continue
            if len(name) > MAX_NAME or name in located:
                raise self._broken(f"two sheets, or none, can be called {name[:MAX_NAME]!r}")
            self._present(part)
            located[name] = part
        return located

    def _part_of_kind(self, kind: str) -> bytes | None:
        """The part that the workbook names for the kind; None where it names none."""
        part = next((part for _, of_kind, part in self._relations if of_kind == kind), None)
        return None if part is None else self._present(part)

    def _present(self, part: str) -> bytes:
        if part not in self._parts:
            raise self._broken(f"the part {part[:MAX_NAME]} is listed but not in the file")
        return self._parts[part]

    def _tree(self, part: str, what: str) -> ElementTree.Element:
        if part not in self._parts:
            raise ReadError(
                f"{self.path}: expected an .xlsx workbook, found a zip archive without the "
                f"part {part}. {GET_ANOTHER}"
            )
        return self._parsed(self._parts[part], what)

    def _parsed(self, xml: bytes, what: str) -> ElementTree.Element:
        if len(xml) > MAX_TREE_BYTES:
            raise self._broken(f"its {what} has more than {MAX_TREE_BYTES:,} bytes, the limit")
        try:
            return ElementTree.fromstring(xml)
        except ElementTree.ParseError as error:
            raise self._broken(f"its {what} cannot be parsed ({error})") from error

    def _refuse_vast_grid(self, name: str, cells: list[tuple[bytes, bytes, bytes]]) -> None:
        """One cell at XFD1048576 would make a dense grid of 17 thousand million cells."""
        height = max(map(int, {row for _, row, _ in cells}), default=0)
        width = max(map(column_index, {column for column, _, _ in cells}), default=-1) + 1
        self._spanned += height * width
        if self._spanned > MAX_GRID_CELLS:
            raise self._broken(
                f"sheet {name!r} reaches to {coordinate(height - 1, width - 1)}: together the "
                f"sheets span more than {MAX_GRID_CELLS:,} cells, the limit"
            )

    def _refuse_repeated_text(self, name: str, cells: list[tuple[bytes, bytes, bytes]]) -> None:
        """A text is stored once and copied into every cell that names it."""
        if len(cells) * self._longest_shared_text > MAX_SHARED_TEXT:
            raise self._broken(
                f"sheet {name!r} may repeat a text of {self._longest_shared_text:,} characters "
                f"in {len(cells):,} cells: refused as unsafe"
            )

    def _broken(self, what: str) -> ReadError:
        return ReadError(f"{self.path}: {what}. {GET_ANOTHER}")


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


def _unpack(path: Path) -> dict[str, bytes]:
    """The archive's XML parts by their names in lower case, free of document types."""
    with _archive(path) as (archive, members):
        parts = {
            member.filename.lower(): _content(archive, member)
            for member in members
            if member.filename.lower().endswith((".xml", ".rels"))
        }
    for name, content in parts.items():
        _refuse_declarations(path, name, content)
    return parts


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's content, no more of it than the directory states: one that lies fails the CRC."""
    with archive.open(member) as part:
        return part.read(member.file_size)


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """The zip archive, within the limits, and its members; damage to it as a ReadError."""
    data = read_limited(path, MAX_PACKED_BYTES, "a workbook")
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
        NotImplementedError,  # a version of the format unknown here
        IndexError,  # a member without a name
        ValueError,
    ) as error:
        raise ReadError(
            f"{path}: expected an .xlsx workbook, found a damaged or incomplete one "
            f"({str(error)[:200]}). {GET_ANOTHER}"
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
    """Judge by the archive's directory, beyond whose word nothing is unpacked."""
    unpacked = sum(member.file_size for member in members)
    names = {member.filename.lower() for member in members}
    methods = {member.compress_type for member in members}
    for excess in (
        f"{len(members):,} parts (limit {MAX_PARTS:,})" if len(members) > MAX_PARTS else "",
        f"{unpacked:,} bytes unpacked (limit {MAX_UNPACKED_BYTES:,})"
        if unpacked > MAX_UNPACKED_BYTES
        else "",
        f"packed {unpacked // max(packed, 1)}-fold (limit {MAX_RATIO})"
        if unpacked > MAX_RATIO * packed
        else "",
        "two parts of one name" if len(names) < len(members) else "",
        "parts packed by a method other than the format's"
        if methods - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        else "",
    ):
        if excess:
            raise ReadError(
                f"{path}: expected an .xlsx workbook, found an archive with {excess}: refused "
                "as unsafe. Check that it is the publisher's file."
            )


def _refuse_declarations(path: Path, part: str, content: bytes) -> None:
    # Another encoding could hide a declaration from the search; the format's writers use UTF-8.
    if (
        b"\0" in content[:64]
        or _OTHER_ENCODING.match(content)
        or b"<!DOCTYPE" in content
        or b"<!ENTITY" in content
    ):
        raise ReadError(
            f"{path}: the part {part[:MAX_NAME]} is not plain UTF-8 XML or declares a document type or "
            "entities: refused as unsafe. Check that it is the publisher's file."
        )


def _plain_workbook(
    sheets: list[bytes], tables: dict[str, bytes | None], from_1904: bool
) -> io.BytesIO:
    """A workbook of these sheets, in their order, and of the tables that they refer to."""
    numbers = range(1, len(sheets) + 1)
    parts = {
        **{("worksheet", f"{number}.xml"): sheets[number - 1] for number in numbers},
        **{(kind, f"{kind}.xml"): table for kind, table in tables.items() if table is not None},
    }
    listed = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("_rels/.rels", _relationships([("officeDocument", "xl/workbook.xml")]))
        archive.writestr("xl/_rels/workbook.xml.rels", _relationships(parts))
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_FORMAT}spreadsheetml/2006/main" '
            f'xmlns:r="{_FORMAT}officeDocument/2006/relationships">'
            f'<workbookPr date1904="{int(from_1904)}"/><sheets>{listed}</sheets></workbook>',
        )
        for (_, part), content in parts.items():
            archive.writestr(f"xl/{part}", content)
    packed.seek(0)
    return packed


def _relationships(targets: Iterable[tuple[str, str]]) -> str:
    """The list of (kind, part), with r1, r2 ... for their identifiers."""
    relations = "".join(
        f'<Relationship Id="r{number}" Target="{target}" '
        f'Type="{_FORMAT}officeDocument/2006/relationships/{kind}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_FORMAT}package/2006/relationships">{relations}</Relationships>'


def _longest_text(shared_strings: bytes) -> int:
    """Characters of the longest text in the table; ExpatError or ValueError if it is broken."""
    longest = length = 0

    def begin(tag: str, _: dict[str, str]) -> None:
        nonlocal length
        if tag == "si":
            length = 0

    def add(text: str) -> None:
        nonlocal length, longest
        length += len(text)
        longest = max(longest, length)

    _parse(shared_strings, begin, text=add)
    return longest


def _cells(xml: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(column letters, row number, style number or b'') of every cell of a sheet.

    Calamine sees no other cells than these: where a cell could hide from the pattern, a full
    parse decides. Raises ExpatError or ValueError where that fails.
    """
    found: list[tuple[bytes, bytes, bytes]] = _CELL.findall(xml)
    if b":c" in xml or _TAG_IN_TAG.search(xml) or len(found) < len(_CELL_TAG.findall(xml)):
        return _cells_in_any_form(xml)
    return found


def _cells_in_any_form(xml: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """The same by a full parse: prefixes, attributes in another order, no references."""
    found: list[tuple[bytes, bytes, bytes]] = []
    row = column = 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column
        reference = attributes.get("r")
        if tag == "row" and reference is not None:
            row = int(_matched(rb"([1-9][0-9]{0,6})", reference)[1]) - 1
        elif tag == "c":
            at = row
            if reference is not None:
                letters, number = _matched(_REFERENCE, reference).groups()
                column, at = column_index(letters), int(number) - 1
            style = attributes.get("s", "").encode()
            found.append((coordinate(0, column)[:-1].encode(), str(at + 1).encode(), style))
            column += 1

    def end(tag: str) -> None:
        nonlocal row, column
        if tag == "row":
            row, column = row + 1, 0

    _parse(xml, begin, end)
    return found


def _parse(
    xml: bytes,
    begin: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] = lambda _: None,
    text: Callable[[str], None] = lambda _: None,
) -> None:
    """Call these for every element, by its name without a prefix, and for every text."""
    depth = 0

    def begin_element(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"elements nested more than {MAX_DEPTH} deep")
        begin(tag.rpartition(":")[2], attributes)

    def end_element(tag: str) -> None:
        nonlocal depth
        depth -= 1
        end(tag.rpartition(":")[2])

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = begin_element
    parser.EndElementHandler = end_element
    parser.CharacterDataHandler = text
    parser.Parse(xml, True)


def _matched(pattern: bytes, reference: str) -> re.Match[bytes]:
    match = re.fullmatch(pattern, reference.encode())
    if match is None:
        raise ValueError(f"{reference[:20]!r} is no place in a sheet")
    return match


def _hues(
    cells: list[tuple[bytes, bytes, bytes]], hue_of_style: dict[bytes, int], shape: tuple[int, int]
) -> NDArray[np.int8]:
    grid = np.zeros(shape, dtype=np.int8)
    marked = [cell for cell in cells if cell[2] in hue_of_style]
    for column, row, style in marked:
        at = int(row) - 1, column_index(column)
        # A styled but empty cell may lie beyond the last value.
        if at[0] < shape[0] and at[1] < shape[1]:
            grid[at] = hue_of_style[style]
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


def _theme_colours(theme: ElementTree.Element | None) -> list[str]:
    """The theme's colours as RRGGBB, in the order in which cells number them."""
    scheme = None if theme is None else theme.find("{*}themeElements/{*}clrScheme")
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
