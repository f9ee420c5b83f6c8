"""What the analysis knows of one module, as the rules read it."""

from dataclasses import dataclass

from tenure.check.source import Source

__all__ = ["Facts"]


@dataclass(slots=True)
class Facts:
    """One module's source and what was found in it."""

    source: Source
    strict: bool = False
