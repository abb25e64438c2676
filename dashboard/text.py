"""Words and figures for the page: escaping, money, verdicts; knows no table."""

from __future__ import annotations

import html
import re
import textwrap
from datetime import datetime

VERDICTS = {
    "reproduced": (":material/check_circle:", "green"),
    "reproduced under another specification": (":material/alt_route:", "orange"),
    "not reproduced": (":material/cancel:", "red"),
    "data missing": (":material/cloud_off:", "violet"),
    "not testable": (":material/help:", "gray"),
}
_CODE = re.compile(r"(`[^`\n]+`)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


def plain(text: str) -> str:
    """Text from data as Markdown that shows it and does nothing else."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def with_code(text: str) -> str:
    """The same of what this project's own headers say: what stands in `backticks` stays code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if _CODE.fullmatch(part) else _escaped(part) for part in parts)


def in_chart(text: str, width: int = 0) -> str:
    """Text from data for a Plotly label, in lines of at most `width` characters."""
    lines = textwrap.wrap(text, width) if width else [text]
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def billions(millions: float) -> str:
    """US$ millions as people write them: '$477 billion', '$1.23 trillion', '$85 million'."""
    for size, name in ((1e6, "trillion"), (1e3, "billion"), (1.0, "million")):
        if abs(millions) >= size:
            figure = millions / size
            digits = 2 if name == "trillion" else 1 if abs(figure) < 100 else 0
            return f"${figure:,.{digits}f} {name}"
    return f"${millions:,.2f} million"


def percent(fraction: float, decimals: int = 1) -> str:
    """A fraction as '58.9 %'."""
    return f"{100 * fraction:,.{decimals}f} %"


def verdict_badge(verdict: str, count: int | None = None) -> str:
    """A verdict as Markdown: an icon and the words, and a colour besides; how many, if given."""
    icon, colour = VERDICTS.get(verdict, (":material/help:", "gray"))
    number = "" if count is None else f"**{count}** "
    return f":{colour}-badge[{icon} {number}{plain(verdict)}]"


def moment(iso: str) -> str:
    """A time stamp as '22 November 2026, 03:40 UTC'; what is no time stamp stays as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{when.day} {when:%B %Y, %H:%M} UTC"
