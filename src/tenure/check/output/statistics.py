"""Counts of reports by rule."""

from collections import Counter
from collections.abc import Iterable

from tenure.diagnostic import Diagnostic

__all__ = ["table"]


def table(found: Iterable[Diagnostic]) -> str:
    """A line for each rule, the most frequent first."""
    counted = Counter((one.code, one.rule) for one in found)
    rows = sorted(counted.items(), key=lambda row: (-row[1], row[0]))
    width = max((len(str(count)) for _, count in rows), default=0)
    return "".join(f"{count:>{width}}  {code}  {rule}\n" for (code, rule), count in rows)
