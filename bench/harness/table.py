"""What was measured, as text and as Markdown."""

from __future__ import annotations

import math
import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

OURS = "tenure"
BEGIN, END = "<!-- measured -->", "<!-- end -->"


@dataclass
class Line:
    """A row at one size: microseconds by side, and why a side has none."""

    row: str
    size: str
    times: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def best(self) -> str | None:
        """The fastest peer."""
        peers = {k: v for k, v in self.times.items() if k != OURS}
        return min(peers, key=peers.__getitem__) if peers else None

    @property
    def ratio(self) -> float | None:
        """How many times as long the best peer takes."""
        return self.times[self.best] / self.times[OURS] if self.best and OURS in self.times else None


def mean_ratio(lines: Sequence[Line]) -> float:
    """The geometric mean of the ratios."""
    logs = [math.log(line.ratio) for line in lines if line.ratio]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def cells(line: Line, sides: Sequence[str]) -> list[str]:
    """A line as text, cell by cell."""
    ratio = "–" if line.ratio is None else f"{line.ratio:.2f}"
    shown = [f"{line.times[s]:.4g}" if s in line.times else "n/a" for s in sides]
    return [line.row, line.size, *shown, line.best or "–", ratio]


def head(sides: Sequence[str]) -> list[str]:
    return ["row", "size", *[f"{s}, µs" for s in sides], "best peer", "best peer / tenure"]


def plain(rows: Sequence[Sequence[str]]) -> str:
    """Cells in columns."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    ends = range(2)
    return "\n".join(
        "  ".join(c.ljust(w) if k in ends else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    )


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Cells as a Markdown table."""
    rule = ["---", "---", *["---:"] * (len(rows[0]) - 2)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]])


def missing(lines: Sequence[Line]) -> list[str]:
    """Why cells are empty, each reason once."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        for side, reason in line.reasons.items():
            found.setdefault((side, reason), []).append(f"{line.row} ({line.size})")
    return [f"{side}, n/a: {reason}: {'; '.join(where)}" for (side, reason), where in found.items()]


def behind(lines: Sequence[Line]) -> list[str]:
    """The lines on which a peer is ahead."""
    slow = sorted([line for line in lines if line.ratio and line.ratio < 1], key=lambda line: line.ratio or 0)
    return [f"{line.row} ({line.size}): {line.ratio:.2f}, {line.best}" for line in slow]


def machine() -> str:
    """The processor as far as it matters: cores, vector width, caches."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    width = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    sizes = []
    for k in (2, 3):
        size = Path(f"/sys/devices/system/cpu/cpu0/cache/index{k}/size")
        if size.exists():
            sizes.append(f"L{k} {size.read_text().strip()}")
    return f"{platform.machine()}, {cores} cores, {width}, {', '.join(sizes)}"


def setting(versions: Mapping[str, str], threads: int) -> str:
    """What the figures depend on."""
    listed = ", ".join(f"{k} {v}" for k, v in versions.items())
    return (
        f"{time.strftime('%Y-%m-%d')}; {platform.system()} {machine()}; threads a library: {threads}; "
        f"Python {platform.python_version()}, {listed}."
    )


def memory_rows(found: Mapping[str, Mapping[str, float | str]], sides: Sequence[str]) -> list[list[str]]:
    """Peak memory by row and side, in MB."""
    rows = [["row", "size", *[f"{s}, MB" for s in sides]]]
    for row, by_side in found.items():
        values = [by_side.get(s, "n/a") for s in sides]
        rows.append([row, "memory", *[v if isinstance(v, str) else f"{v / 1e6:.0f}" for v in values]])
    return rows


def rewrite(path: Path, text: str) -> None:
    """Put the text between the two marks of a page."""
    page = path.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        raise SystemExit(f"{path} has no part between {BEGIN} and {END}")
    new = f"{BEGIN}\n\n{text}\n\n{END}"
    path.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: new, page, flags=re.DOTALL), encoding="utf-8")
