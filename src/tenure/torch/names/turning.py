"""Functions of the table that write, in a turn of their thread (``cells.turns``)."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells.turns import RUNS, TURN, go_on, is_mine, patiently

TOOLS: dict[str, Any] = {
    "_TURN": TURN, "_RUNS": RUNS, "_patiently": patiently, "_go_on": go_on, "_is_mine": is_mine,
}  # fmt: skip
"""Names in their source."""


def turned(lines: list[str], parameters: list[str], way: str, names: list[str]) -> list[str]:
    """Lines that write, in a turn of the thread's; for ``inplace`` and ``out=`` the function is called again within."""
    begin = ["if _RUNS: _patiently()", "with _TURN:"]
    if way == "write":
        view = [f"_w = getattr({names[0]}, '_window', None)", "if _w is not None and _w.foreign: _go_on(_w)"]
        return [*begin, *[f"    {line}" for line in [*view, *lines]]]
    asked = ["inplace"] * ("inplace" in names) + ["out is not None"] * (way == "out")
    if not asked:
        return lines
    again = f"    return _row({', '.join(given_again(parameters))})"
    return [f"if ({' or '.join(asked)}) and not _is_mine():", *[f"    {line}" for line in [*begin, again]], *lines]


def given_again(parameters: list[str]) -> list[str]:
    """Arguments that are the parameters as they were given."""
    out: list[str] = []
    by_name = False
    for p in parameters:
        name = p.split("=")[0].split(":")[0].strip()
        if name.startswith("*"):
            by_name = True
            out.extend([name] if len(name) > 1 else [])
        elif name != "/":
            out.append(f"{name}={name}" if by_name else name)
    return out
