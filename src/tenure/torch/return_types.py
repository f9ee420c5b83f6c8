"""``torch.return_types``: the classes of results of several parts."""

from __future__ import annotations

from typing import Any

from tenure.torch.names.functions import is_linalg
from tenure.torch.names.rows import ROWS
from tenure.torch.names.structures import structure


def __getattr__(name: str) -> Any:
    for place in ("torch", "linalg"):
        for row in ROWS[place].get(name.removeprefix("linalg_"), []):
            if row.fields:
                return structure(f"linalg_{row.name}" if is_linalg(row) else row.name, row.fields)
    raise AttributeError(f"module 'torch.return_types' has no attribute {name!r}", name=name)
