"""Hostile files, and a process that reads them with little memory: a line of JSON for each."""

import io
import json
import random
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.claims.files import read_claims
from pipelines.errors import MilexError
from pipelines.readers.separated import column_names
from pipelines.readers.sipri import read_sipri
from pipelines.readers.tables import read_table
from tests.fuzz.damage import RELATIONSHIPS, edition, unpacked

MEMORY = 1_500 * 2**20  # bytes beyond what the libraries take
CPU_SECONDS = 300

SHEET = "xl/worksheets/sheet5.xml"
STRINGS = "xl/sharedStrings.xml"
MB = 2**20
READ = "read"


def archive(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", method, compresslevel=1) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return saved.getvalue()


def deflated_zeros(size: int) -> bytes:
    """`size` zero bytes, packed to a thousandth without ever being held."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * (size // MB) + packer.flush()


def lying_archive(packed: bytes, stated: int) -> bytes:
    """One part that unpacks to far more than its headers state, whose checksum fits the lie."""
    name = SHEET.encode()
    crc = zlib.crc32(bytes(stated))
    common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, crc, len(packed), stated, len(name), 0)
    local = b"PK\x03\x04" + common + name + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common + bytes(14) + name
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def with_sheet(change: Callable[[bytes], bytes]) -> bytes:
    parts = unpacked(edition())
    return archive(parts | {SHEET: change(parts[SHEET])})


def after_data(xml: bytes) -> Callable[[bytes], bytes]:
    return lambda sheet: sheet.replace(b"</worksheet>", xml + b"</worksheet>")


def in_data(xml: bytes) -> Callable[[bytes], bytes]:
    return lambda sheet: sheet.replace(b"</sheetData>", xml + b"</sheetData>")


def laughs() -> bytes:
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
    )
    return b"<?xml version='1.0'?><!DOCTYPE worksheet [" + entities + b"]>"


def many_corners(number: int) -> bytes:
    """Many small sheets, each of which spans millions of cells, in place of one that is there."""
    parts = unpacked(edition())
    listed, related = [], []
    for n in range(100, 100 + number):
        parts[f"xl/worksheets/s{n}.xml"] = (
            b'<worksheet><sheetData><row r="400000"><c r="J400000"><v>1</v></c></row>'
            b"</sheetData></worksheet>"
        )
        listed.append(f'<sheet name="s{n}" sheetId="{n}" r:id="s{n}" xmlns:r="r"/>'.encode())
        related.append(
            b'<Relationship Type="%b/worksheet" Target="worksheets/s%d.xml" Id="s%d"/>'
            % (RELATIONSHIPS, n, n)
        )
    book, relations = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    parts[book] = parts[book].replace(b'name="Footnotes"', b'name="Something"')
    parts[book] = parts[book].replace(b"</sheets>", b"".join(listed) + b"</sheets>")
    parts[relations] = parts[relations].replace(
        b"</Relationships>", b"".join(related) + b"</Relationships>"
    )
    return archive(parts)


def repeated_text() -> bytes:
    """A text of 32,000 characters in each of 20,000 cells."""
    parts = unpacked(edition())
    cells = b"".join(
        b'<row r="%d"><c r="K%d" t="s"><v>0</v></c></row>' % (row, row)
        for row in range(100, 20_100)
    )
    strings = parts[STRINGS].replace(b"<si>", b"<si><t>" + b"x" * 32_000 + b"</t></si><si>", 1)
    sheet = in_data(cells)(parts[SHEET])
    return archive(parts | {STRINGS: strings, SHEET: sheet}, zipfile.ZIP_STORED)


def padding(size: int) -> dict[str, bytes]:
    """Random bytes, so that what is packed densely beside them stays below the ratio."""
    return {"media.bin": random.Random(0).randbytes(size)}


def bombs() -> Iterator[tuple[str, bytes, str]]:
    """File name, content and words of the error that it must end in, or READ."""
    yield from archives()
    yield from sheets()
    yield from other_parts()
    yield from texts()


def archives() -> Iterator[tuple[str, bytes, str]]:
    parts = unpacked(edition())
    yield "ratio.xlsx", archive(parts | {"big.xml": bytes(100 * MB)}), "packed"
    yield "size.xlsx", lying_archive(deflated_zeros(MB), 4096 * MB - 1), "unpacked"
    yield "lie.xlsx", lying_archive(deflated_zeros(4096 * MB), 1000), "document type"
    inner = archive({"a.bin": bytes(50 * MB)})
    yield "nested.xlsx", archive({f"{n}.zip": inner for n in range(100)}), "without the part"
    yield "bzip.xlsx", archive(parts, zipfile.ZIP_BZIP2), "method"
    yield "lzma.xlsx", archive(parts, zipfile.ZIP_LZMA), "method"
    yield "members.xlsx", archive({f"{n}.xml": b"<a/>" for n in range(20_000)}), "parts (limit"


def sheets() -> Iterator[tuple[str, bytes, str]]:
    parts, noise = unpacked(edition()), padding(MB)
    yield "laughs.xlsx", with_sheet(lambda sheet: laughs() + sheet), "document type"
    external = b'<!DOCTYPE x [<!ENTITY % e SYSTEM "file:///etc/passwd"> %e;]>'
    yield "external.xlsx", with_sheet(lambda sheet: external + sheet), "document type"
    ebcdic = b'<?xml version="1.0" encoding="cp037"?>'
    yield "ebcdic.xlsx", with_sheet(lambda sheet: ebcdic + sheet), "not plain UTF-8"
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    yield "corner.xlsx", with_sheet(in_data(corner)), "reaches to XFD1048576"
    hidden = b'<row><a-b:c xmlns:a-b="x" r="XFD1048576"><v>1</v></a-b:c></row>'
    yield "prefix.xlsx", with_sheet(in_data(hidden)), "reaches to XFD1048576"
    small = b'<row r="1"><c r="xfd1048576"><v>1</v></c></row>'
    yield "letters.xlsx", with_sheet(in_data(small)), "is no place in a sheet"
    yield "corners.xlsx", many_corners(300), "together the sheets span more"
    yield "repeated.xlsx", repeated_text(), "may repeat a text"
    cells = in_data(b"<row>" + b"<c/>" * 5_000_000 + b"</row>")(parts[SHEET])
    yield "cells.xlsx", archive(parts | noise | {SHEET: cells}), "more than 1,000,000 cells"
    empty = after_data(b"<x/>" * 10_000_000)(parts[SHEET])
    yield "elements.xlsx", archive(parts | noise | {SHEET: empty}), READ
    deep = after_data(b"<x>" * 5_000_000 + b"<y:c/>")(parts[SHEET])
    yield "deep.xlsx", archive(parts | noise | {SHEET: deep}), "nested more than 100 deep"
    tags = after_data(b"<dimension " * 5_000_000)(parts[SHEET])
    yield "tags.xlsx", archive(parts | noise | {SHEET: tags}), "not well-formed"
    attributes = b"<row><c " + b" ".join(b'x%d:r="A1"' % n for n in range(200_000)) + b"/></row>"
    yield "attributes.xlsx", with_sheet(in_data(attributes + b"<!--<f-->")), READ


def other_parts() -> Iterator[tuple[str, bytes, str]]:
    parts, noise = unpacked(edition()), padding(MB)
    for part in ("xl/styles.xml", "xl/workbook.xml", "xl/theme/theme1.xml"):
        many = parts[part] + b"<!--" + b"x" * (30 * MB) + b"-->"
        name = part.rpartition("/")[2].replace(".xml", ".xlsx")
        yield name, archive(parts | noise | {part: many}), "bytes, the limit"
    nested = b"<styleSheet>" + b"<a>" * 1_300_000
    crowded = b"<styleSheet>" + b"<a/>" * 1_000_000 + b"</styleSheet>"
    yield (
        "nested styles.xlsx",
        archive(parts | noise | {"xl/styles.xml": nested}),
        "cannot be parsed",
    )
    yield "crowded styles.xlsx", archive(parts | noise | {"xl/styles.xml": crowded}), READ
    text = b'<row r="50"><c r="F50" t="str"><v>' + b"x" * (10 * MB) + b"</v></c></row>"
    long = in_data(text)(parts[SHEET])
    yield "text.xlsx", archive(parts | noise | {SHEET: long}), "characters, the limit"


def texts() -> Iterator[tuple[str, bytes, str]]:
    yield "commas.csv", b"," * (50 * MB), "more than 1,048,576 characters"
    yield "quotes.csv", b"a,b\n" + b'"\n",' * (10 * MB), "more than 1,048,576 characters"
    yield "blank.csv", b"a,b\n" + b"\n" * (50 * MB), "more than 2,000,000 lines"
    yield "short.csv", b"a,b\n" + b"1\n" * MB, "rows should have 2 fields"
    row = b"%d,200,1815,6,8,1866,6,15,1816,1,1,1866,6,15,1,0,Type I,1,0,1,0,4.1,some text\n"
    head = ",".join(f"column {n}" for n in range(23)).encode()
    yield "million rows.csv", head + b"\n" + b"".join(row % n for n in range(1_000_000)), READ
    yield "laughs.yaml", b"a: &a [x]\n" + b"b: [*a, *a]\n" * 5_000, "anchors and aliases"
    yield "deep.yaml", b"[" * 60_000, "nested too deeply"


def read(path: Path) -> None:
    if path.suffix == ".xlsx":
        read_sipri(path)
    elif path.suffix == ".csv":
        read_table(path, column_names(path) or ["a"])
    else:
        read_claims(path)


def main(folder: Path) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    for path in sorted(folder.iterdir()):
        try:
            read(path)
            said = READ
        except MilexError as error:
            said = str(error)
        print(json.dumps([path.name, said]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
