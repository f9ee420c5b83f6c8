"""Names and keywords that real code uses, by how often: what the face has of them."""

from __future__ import annotations

import csv
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import tenure.torch as torch
from tenure.torch.names import forms
from tenure.torch.names.functions import made
from tenure.torch.names.rows import ROWS

HERE = Path(__file__).parent
SPACES = {
    "torch": "", "Tensor.": "Tensor", "Tensor attributes": "Tensor", "F": "nn.functional", "linalg": "linalg",
    "fft": "fft", "special": "special", "other torch.random": "random", "dtypes": "",
}  # fmt: skip
"""Where the names of a group are looked for."""
REFUSED = ("einsum(backend=)", "zeros(memory_format=)", "Tensor.backward(retain_variables=)", "Tensor.view(dtype=)")
"""Keywords that PyTorch 2.13 refuses too."""
FLAGS = ("out", "weigh", "bools", "strict", "face", "floats")


def rows(file: str) -> list[dict[str, str]]:
    """The rows of a table of uses."""
    with open(HERE / file, newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def found(path: str) -> Any:
    """A name of the face; None without it."""
    at: Any = torch
    for k, part in enumerate(path.split(".")):
        try:
            at = getattr(at, part)
        except (AttributeError, ImportError):
            try:
                at = import_module("tenure.torch." + ".".join(path.split(".")[: k + 1]))
            except ImportError:
                return None
    return at


def test_of_a_thousand_uses_of_pytorchs_names_five_at_most_are_not_there() -> None:
    uses: dict[bool, int] = {True: 0, False: 0}
    missing = []
    for row in rows("names.tsv"):
        if row["group"] in SPACES:
            path = f"{SPACES[row['group']]}.{row['name']}".lstrip(".")
            there = found(path) is not None or row["name"] in ("grad", "grad_fn")
            uses[there] += int(row["uses"])
            missing += [] if there else [path]
    share = uses[True] / (uses[True] + uses[False])
    assert share >= 0.995, f"{share:.4f}, without {', '.join(missing)}"


def test_every_row_of_the_table_becomes_a_function_with_its_signature() -> None:
    for place in ROWS.keys() - set(FLAGS):
        for name, several in ROWS[place].items():
            for row in several:
                function = made(row, "write" if place == "Tensor_" else "out" if "out" in row.places else "", "")
                parameters = inspect.signature(function).parameters
                known = {"", *parameters, *(p.lstrip("_") for p in parameters)}
                missing = {n.lstrip("*") for n, _ in row.plain()} - known
                assert not missing, (place, name, missing)


def accepts(path: str, keyword: str) -> bool:
    """Whether a function of the face takes a keyword."""
    place, _, name = path.rpartition(".")
    at = found(path)
    if at is None:
        return False
    table = {"": "torch", "torch": "torch", "Tensor": "Tensor", "nn.functional": "F"}.get(place, place)
    several = ROWS.get(table, {}).get(name, [])
    ways = [made(row, "out" if "out" in row.places else "", "") for row in several]
    taken = {n for way in ways for n in inspect.signature(way).parameters}
    if not several:
        try:
            parameters = inspect.signature(at).parameters
        except ValueError:
            return False
        taken = set(parameters)
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            return True
    return keyword in taken


@pytest.mark.parametrize("of", ["torch.", "Tensor.", "F.", "linalg."])
def test_every_keyword_that_is_used_is_taken(of: str) -> None:
    wrong = []
    for row in rows("keywords.tsv"):
        name = row["name"]
        if not name.startswith(of) or name.count(".") > 1:
            continue
        path = name.removeprefix("torch.").replace("F.", "nn.functional.")
        if found(path) is not None and not accepts(path, row["keyword"]):
            wrong.append(f"{path}({row['keyword']}=)")
    assert not set(wrong) - set(REFUSED), wrong


def test_forms_have_names_of_their_own() -> None:
    parts = [import_module(f"{forms.__name__}.{m.name}") for m in pkgutil.iter_modules(forms.__path__)]
    functions = [(part, n) for part in parts for n in part.__all__]
    defined = [n for part, n in functions if getattr(getattr(part, n), "__module__", "") == part.__name__]
    assert len(defined) > 50 and len(set(defined)) == len(defined)
