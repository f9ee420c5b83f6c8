"""A graph as one HTML page: boxes in ranks from top to bottom, drawn as SVG; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 250, 64, 290, 130, 24
LONGEST = 38
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem; color: #1b1f24; background: #fff; }
svg { border: 1px solid #d5d9de; border-radius: 6px; max-width: 100%; height: auto; }
pre { background: #f5f6f8; padding: 1rem; border-radius: 6px; overflow-x: auto; }
rect { stroke: #57606a; rx: 6; } .input { fill: #e8f0fe; } .output { fill: #e6f4ea; } .kernel { fill: #fff8e1; }
.host { fill: #fde7e9; } text { font: 11px ui-monospace, monospace; fill: #1b1f24; } text.name { font-weight: 600; }
path { fill: none; stroke: #8a929b; stroke-width: 1.3; } text.edge { fill: #57606a; }
"""


@dataclass(frozen=True)
class Box:
    """Node: its text, and its full text as a tooltip. ``kind`` is its CSS class."""

    name: str
    lines: tuple[str, ...]
    title: str
    kind: str


@dataclass(frozen=True)
class Edge:
    """Arrow between boxes, by their number; earlier ones lead to later ones."""

    start: int
    end: int
    label: str


def page(heading: str, text: str, boxes: Sequence[Box], edges: Sequence[Edge]) -> str:
    """HTML page: heading, graph, text."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title>\n'
        f"<style>{STYLE}</style></head>\n<body><h1>{escape(heading)}</h1>\n{graph(boxes, edges)}\n"
        f"<pre>{escape(text)}</pre></body></html>\n"
    )


def graph(boxes: Sequence[Box], edges: Sequence[Edge]) -> str:
    """SVG of the graph."""
    places = arrange(len(boxes), edges)
    width = max([x for x, _ in places], default=0) + WIDTH + MARGIN
    height = max([y for _, y in places], default=0) + HEIGHT + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ]
    parts += [arrow(places[e.start], places[e.end], e.label) for e in edges]
    parts += [box(place, b) for place, b in zip(places, boxes, strict=True)]
    return "\n".join([*parts, "</svg>"])


def arrange(count: int, edges: Sequence[Edge]) -> list[tuple[int, int]]:
    """Upper left corners of the boxes: one rank below all predecessors, side by side within a rank."""
    rank = [0] * count
    for e in sorted(edges, key=lambda e: e.end):
        rank[e.end] = max(rank[e.end], rank[e.start] + 1)
    taken: dict[int, int] = {}
    places = []
    for r in rank:
        places.append((MARGIN + ACROSS * taken.get(r, 0), MARGIN + DOWN * r))
        taken[r] = taken.get(r, 0) + 1
    return places


def box(place: tuple[int, int], b: Box) -> str:
    """SVG of a box with its text."""
    x, y = place
    texts = [f'<text class="name" x="{x + 8}" y="{y + 17}">{escape(shortened(b.name))}</text>']
    texts += [
        f'<text x="{x + 8}" y="{y + 34 + 15 * k}">{escape(shortened(line))}</text>'
        for k, line in enumerate(b.lines[:2])
    ]
    shape = f'<rect class="{b.kind}" x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}"/>'
    return f"<g><title>{escape(b.title)}</title>{shape}{''.join(texts)}</g>"


def arrow(start: tuple[int, int], end: tuple[int, int], label: str) -> str:
    """SVG curve from the lower edge of a box to the upper one of another."""
    (x1, y1), (x2, y2) = (start[0] + WIDTH // 2, start[1] + HEIGHT), (end[0] + WIDTH // 2, end[1])
    bend = (y2 - y1) // 2
    curve = f'<path d="M{x1} {y1} C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"/>'
    return f'{curve}<text class="edge" x="{(x1 + x2) // 2 + 5}" y="{(y1 + y2) // 2}">{escape(label)}</text>'


def shortened(text: str) -> str:
    """Text cut to the width of a box."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
