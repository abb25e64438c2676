"""Damage to files, as pure functions of content and seed; and what may come of reading them."""

import io
import os
import random
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pipelines.errors import MilexError
from tests.readers.make_workbook import make_book

TIMES = float(os.environ.get("MILEX_FUZZ", "1"))
LONGEST_MESSAGE = 5_000

SPREADSHEET = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"

T = TypeVar("T")

# What may stand in a cell's place; {r} is the cell's reference.
CELLS = [
    '<c r="{r}"/>',
    '<c r="{r}"><v></v></c>',
    '<c r="{r}"><v>NaN</v></c>',
    '<c r="{r}"><v>1e999</v></c>',
    '<c r="{r}"><v>-INF</v></c>',
    '<c r="{r}"><v>1e-320</v></c>',
    '<c r="{r}"><v>12,5</v></c>',
    '<c r="{r}"><v>99999999999999999999999</v></c>',
    '<c r="{r}" s="999999"><v>7</v></c>',
    '<c r="{r}" s="-1"><v>7</v></c>',
    '<c r="{r}" t="b"><v>1</v></c>',
    '<c r="{r}" t="b"><v>maybe</v></c>',
    '<c r="{r}" t="e"><v>#DIV/0!</v></c>',
    '<c r="{r}" t="e"><v>#WHAT</v></c>',
    '<c r="{r}" t="d"><v>2020-02-31T25:61:61</v></c>',
    '<c r="{r}" t="s"><v>0</v></c>',
    '<c r="{r}" t="s"><v>999999999999</v></c>',
    '<c r="{r}" t="s"><v>-1</v></c>',
    '<c r="{r}" t="what"><v>1</v></c>',
    '<c r="{r}" t="str"><v>..</v></c>',
    '<c r="{r}" t="str"><v>2016</v></c>',
    '<c r="{r}" t="str"><v>Algeria</v></c>',
    '<c r="{r}" t="str"><v>Country</v></c>',
    '<c r="{r}" t="str"><v>&#0;</v></c>',
    '<c r="{r}" t="str"><v>&#10;\u202e\ufeff\U0001f4a3</v></c>',
    '<c r="{r}" t="inlineStr"><is><t>xxx</t></is></c>',
    '<c r="{r}" t="inlineStr"><is><r><t>x</t></r><r><t>xx</t></r></is></c>',
    '<c r="{r}"><f>1+1</f></c>',
    '<c r="{r}"><f>1+1</f><v>2</v></c>',
    '<c r="{r}"><f t="shared" ref="A1:XFD1048576" si="4294967296">A1</f><v>2</v></c>',
    '<c r="{r}"><f>WEBSERVICE("file:///etc/passwd")</f><v>2</v></c>',
    '<c r="A0"><v>1</v></c>',
    '<c r="b7"><v>1</v></c>',
    '<c r="xfd1048576"><v>1</v></c>',
    '<c r="XFD1048576"><v>1</v></c>',
    '<c r="XFD1048576" s="1"/>',
    '<c r="ZZZZZZ1"><v>1</v></c>',
    '<c r="A99999999"><v>1</v></c>',
    '<c r=""><v>1</v></c>',
    '<c r="$A$1"><v>1</v></c>',
    '<c r="-1"><v>1</v></c>',
    "<c><v>1</v></c>",
    '<c s="1" r="{r}"><v>1</v></c>',
    "<c r='{r}'><v>1</v></c>",
    '<c r="{r}" r="A1"><v>1</v></c>',
    '<a-b:c r="XFD1048576"><v>1</v></a-b:c>',
    '<c r="{r}"><v>1</v><v>2</v></c>',
    '<c r="{r}"><what/></c>',
    '<c r="{r}"><![CDATA[5]]></c>',
    '<c r="{r}"><v>&a;</v></c>',
    '<c r="{r}"><v>' + "9" * 5_000 + "</v></c>",
    '<c r="{r}" t="str"><v>' + "long " * 2_000 + "</v></c>",
    '<c r="{r}" t="str"><v>' + "long " * 20_000 + "</v></c>",
]
ROWS = [
    '<row r="0">',
    '<row r="-5">',
    '<row r="99999999999">',
    '<row r="4294967299">',
    '<row r="1048576">',
    '<row r="40000">',
    '<row r=" 7 ">',
    '<row r="x">',
    '<row r="' + "1" * 5_000 + '">',
    "<row>",
    "<row r='9'>",
]
TOKENS = [
    b"<!DOCTYPE x>",
    b'<!DOCTYPE x [<!ENTITY a "b">]>',
    b"\x00",
    b"\xff\xfe",
    b"<!--",
    b"]]>",
    b"&#x110000;",
    b"&lt;",
    b"<",
    b">",
    b'"',
    b'<dimension ref="A1:XFD1048576"/>',
    b'<dimension ref="1:20"/>',
    b"<sheetData>",
    b"</sheetData>",
    b'<?xml version="1.0" encoding="x"?>',
    b"-1",
    b"999999999999999999999",
    b"\xed\xa0\x80",
]
TEXTS = [
    b"\x00",
    b'"',
    b'""',
    b",",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b";",
    b"\xff",
    b"\xef\xbb\xbf",
    b"nan",
    b"NA",
    b"inf",
    b"-inf",
    b"1e400",
    b"-9",
    b"0",
    b"99999",
    b"999999999999999999999",
    b"1.0000",
    b"1_0",
    b"\xd9\xa1",
    b"=1+1",
    b"2100",
    b"1",
    b"<html>",
    b"version",
    b"a" * 200_000,
    b"," * 200_000,
    b"year",
]
YAML_TEXTS = [
    b"&a ",
    b"*a",
    b"[" * 500,
    b"{" * 500,
    b"? ",
    b": ",
    b"- ",
    b"!!set ",
    b"!!omap ",
    b"!!python/object/apply:os.system [id]",
    b"!!binary x",
    b"!!timestamp 1",
    b"!!int 'a'",
    b"!!float '1:1'",
    b"!what ",
    b"---\n",
    b"...\n",
    b"%YAML 9.9\n",
    b"<<: ",
    b"=: 5\n",
    b"|\n",
    b">\n",
    b"2001-99-99",
    b".inf",
    b".nan",
    b"0x",
    b"0b2",
    b"1e999",
    b"1:" * 700 + b"1.5",
    b"9" * 5_000,
    b"~",
    b"\t",
    b"\x00",
    b"\xff",
    b"\xc2\x85",
    b"{value}",
    b"{",
    b"}",
    b"true",
    b"'",
    b'"',
    b"#",
]


def cases(number: int) -> range:
    """Seeds of a test; the environment variable MILEX_FUZZ multiplies their number."""
    return range(max(1, round(number * TIMES)))


@lru_cache(maxsize=1)
def edition() -> bytes:
    """A small edition as the bytes of its workbook, its texts in a table as spreadsheets do."""
    saved = io.BytesIO()
    make_book().save(saved)
    parts = unpacked(saved.getvalue())
    texts: dict[bytes, int] = {}

    def shared(match: re.Match[bytes]) -> bytes:
        return b't="s"><v>%d</v>' % texts.setdefault(match[1], len(texts))

    for name in parts:
        if "worksheets/" in name:
            inline = rb't="inlineStr"><is><t[^>]*>(.*?)</t></is>'
            parts[name] = re.sub(inline, shared, parts[name])
    table = b"".join(b"<si><t>%b</t></si>" % text for text in texts)
    relations = "xl/_rels/workbook.xml.rels"
    parts["xl/sharedStrings.xml"] = b'<sst xmlns="%b">%b</sst>' % (SPREADSHEET, table)
    parts[relations] = parts[relations].replace(
        b"</Relationships>",
        b'<Relationship Type="%b/sharedStrings" Target="sharedStrings.xml" Id="t"/>'
        b"</Relationships>" % RELATIONSHIPS,
    )
    return packed(parts)


def unpacked(workbook: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return saved.getvalue()


def damaged_bytes(content: bytes, seed: int, tokens: Sequence[bytes] = TEXTS) -> bytes:
    """The content cut off, with bits flipped, and with pieces lost, doubled, moved or put in."""
    rng = random.Random(seed)
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice([1, 2, 10, 100, 1000]))
        match rng.randrange(8):
            case 0:
                del data[at:]
            case 1 | 2 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 3:
                del data[at:to]
            case 4:
                data[to:to] = data[at:to]
            case 5:
                piece = bytes(data[at:to])
                del data[at:to]
                elsewhere = rng.randrange(len(data) + 1)
                data[elsewhere:elsewhere] = piece
            case 6:
                data[at:at] = rng.choice(tokens)
            case _:
                data[at:to] = rng.choice(tokens)
    return bytes(data)


def damaged_workbook(workbook: bytes, seed: int) -> bytes:
    """The workbook with one of its parts damaged and packed anew, so that the zip is sound."""
    rng = random.Random(seed)
    parts = unpacked(workbook)
    sheets = [name for name in parts if "worksheets/sheet" in name]
    name = rng.choice([*parts, *sheets * 2])
    match rng.randrange(10):
        case 0:
            del parts[name]
        case 1:
            parts[name] = rng.choice(list(parts.values()))
        case 2 | 3:
            parts[name] = damaged_bytes(parts[name], seed, TOKENS)
        case 4:
            sheet = rng.choice(sheets)
            parts[sheet] = _another(rng, parts[sheet], rb'<row r="(\d+)"[^>]*>', ROWS)
        case 5:
            sheet = rng.choice(sheets)
            parts[sheet] = _swapped(rng, parts[sheet], rb'<c r="[A-Z]+\d+"[^>]*>.*?</c>')
        case 6:
            sheet = rng.choice(sheets)
            parts[sheet] = _swapped(rng, parts[sheet], rb"<row .*?</row>")
        case 7:
            parts[name] = _another(rng, parts[name], rb'="([^"]*)"', ['="{r}x"', '="-1"', '=""'])
        case _:
            for _ in range(rng.choice([1, 1, 3, 20])):
                sheet = rng.choice(sheets)
                parts[sheet] = _another(
                    rng, parts[sheet], rb'<c r="([A-Z]+\d+)"[^>]*?(?:/>|>.*?</c>)', CELLS
                )
    return packed(parts)


def _another(rng: random.Random, xml: bytes, pattern: bytes, instead: list[str]) -> bytes:
    """One match of the pattern replaced; its first group fills {r}."""
    found = list(re.finditer(pattern, xml, re.DOTALL))
    if not found:
        return xml
    match = rng.choice(found)
    put = rng.choice(instead).replace("{r}", match[1].decode("utf-8", "replace")).encode()
    return xml[: match.start()] + put + xml[match.end() :]


def _swapped(rng: random.Random, xml: bytes, pattern: bytes) -> bytes:
    """One match of the pattern put where another stands: swapped, doubled or lost."""
    found = list(re.finditer(pattern, xml, re.DOTALL))
    if len(found) < 2:
        return xml
    first, second = sorted(rng.sample(found, 2), key=lambda match: match.start())
    ours, theirs = rng.choice([(second[0], first[0]), (first[0], first[0]), (b"", second[0])])
    between = xml[first.end() : second.start()]
    return xml[: first.start()] + ours + between + theirs + xml[second.end() :]


def outcome(read: Callable[[Path], T], content: bytes, name: str) -> T | MilexError:
    """What reading gives: a result or the project's own error; anything else is raised."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return read(path)
        except MilexError as error:
            message = str(error)
            assert name in message, message[:300]
            assert len(message) < LONGEST_MESSAGE, message[:300]
            return error
