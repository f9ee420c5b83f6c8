"""Styles of the parts of a report: none, terminal colours, or HTML."""

import os
from collections.abc import Callable
from typing import Literal, TextIO

__all__ = ["Painter", "Part", "colour", "html", "painter_for", "plain"]

Part = Literal["text", "error", "warning", "title", "gutter", "primary", "secondary", "help"]
"""Kinds of text in a report: source text, the head's word, its message, line numbers and bars, underlines."""

Painter = Callable[[Part, str], str]
"""Function that styles a stretch of text. All of a report's text goes through one, so that it can be escaped."""

_ANSI: dict[Part, str] = {
    "error": "1;31",
    "warning": "1;33",
    "title": "1",
    "gutter": "1;34",
    "primary": "1;31",
    "secondary": "1;34",
    "help": "1;36",
}

_CSS: dict[Part, str] = {
    "error": "color:#c22;font-weight:bold",
    "warning": "color:#a60;font-weight:bold",
    "title": "font-weight:bold",
    "gutter": "color:#36c",
    "primary": "color:#c22;font-weight:bold",
    "secondary": "color:#36c;font-weight:bold",
    "help": "color:#077;font-weight:bold",
}


def plain(part: Part, text: str) -> str:
    """The text, unchanged."""
    return text


def colour(part: Part, text: str) -> str:
    """The text in the escape sequences of ECMA-48, which terminals show as colours."""
    return f"\x1b[{_ANSI[part]}m{text}\x1b[0m" if part in _ANSI and text.strip() else text


def html(part: Part, text: str) -> str:
    """The text as HTML, for the inside of a <pre>."""
    style = _CSS.get(part)
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<span style="{style}">{safe}</span>' if style and text.strip() else safe


def painter_for(stream: TextIO) -> Painter:
    """Colour where the stream is a terminal; NO_COLOR and FORCE_COLOR (no-color.org, force-color.org) overrule it."""
    if os.environ.get("NO_COLOR"):
        return plain
    if os.environ.get("FORCE_COLOR"):
        return colour
    return colour if stream.isatty() and os.environ.get("TERM") != "dumb" else plain
