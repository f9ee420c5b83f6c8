"""``torch.return_types``: the classes of results of several parts."""

from __future__ import annotations

from typing import Any

from tenure.torch.names.ordering import is_linalg
from tenure.torch.names.rows import ROWS
from tenure.torch.names.structures import structure


def __getattr__(name: str) -> Any:
    written = "_out" * name.endswith("_out")
    for place in ("torch", "linalg"):
        for row in ROWS[place].get(name.removeprefix("linalg_").removesuffix("_out"), []):
            if row.fields:
                return structure(f"{'linalg_' * is_linalg(row)}{row.name}{written}", row.fields)
    raise AttributeError(f"module 'torch.return_types' has no attribute {name!r}", name=name)
