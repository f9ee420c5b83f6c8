"""The parts of a table that generated code of another room needs, to plan and run one by itself."""

from __future__ import annotations

from tenure.compile.records import Record
from tenure.compile.rules import Rule
from tenure.compile.table import filled_record, rules_of
from tenure.runtime import table, table_plan

__all__ = ["Record", "Rule", "filled_record", "rules_of", "words"]


def words() -> dict[str, int]:
    """Addresses of the planner's functions and of the interpreter, and the constants of tables."""
    constants = {"arrays": table.ARRAYS, "header": table.HEADER, "most": table.MOST, "shift": table.SHIFT}
    return {**table_plan.addresses, "main": table.address, **constants}
