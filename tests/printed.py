"""Programs read from the text that ``tenure.ir.show`` prints."""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import DTYPES
from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Instruction, Program
from tenure.ir.verify import verify

NAMES: dict[str, Any] = {
    "tenure": SimpleNamespace(**{d.name: d for d in DTYPES}),
    "nan": math.nan,
    "inf": math.inf,
    "__builtins__": {},
}
"""What the text of a parameter may name besides literals."""


def read(text: str, weak: int = 0) -> Program:
    """The program of a text, verified; its last ``weak`` inputs are Python numbers."""
    lines = [line.strip() for line in text.strip().splitlines()]
    inputs = [aval(each) for each in re.findall(r"%\d+: (\w+\[[\d,]*\])", lines[0])]
    for k in range(len(inputs) - weak, len(inputs)):
        inputs[k] = inputs[k]._replace(weak=True)
    assert (lines[-2].split()[0], lines[-1]) == ("return", "}"), text
    body, avals = list[Instruction](), list(inputs)
    for line in lines[1:-2]:
        body.append(instruction(line, avals))
        avals.append(body[-1].aval)
    outputs = [int(name[1:]) for name in lines[-2].split()[1:]]
    program = Program(tuple(inputs), tuple(body), tuple(outputs))
    verify(program)
    return program


def aval(text: str) -> Aval:
    """Shape and dtype: ``float32[2,3]``."""
    name, shape = text.rstrip("]").split("[")
    return Aval(tuple(map(int, filter(None, shape.split(",")))), getattr(NAMES["tenure"], name))


def parameter(text: str) -> Any:
    """A parameter: a Python literal of known names, a word, or several."""
    if " " in text and text[0].isalpha():
        return text
    return text if text.isidentifier() and text not in NAMES and not hasattr(builtins, text) else eval(text, NAMES)


def instruction(line: str, avals: Sequence[Aval]) -> Instruction:
    """One line, on values of these avals: ``%2 = reduce_sum %1 axes=(0,) : float32[]``."""
    left, result = line.rsplit(" : ", 1)
    name, rest = re.match(r"%\d+ = (\w+)(.*)", left).groups()  # type: ignore[union-attr]
    head, *given = re.split(r" (\w+)=", rest.rstrip())
    params = {k: parameter(v) for k, v in zip(given[::2], given[1::2], strict=True)}
    operands = tuple(int(o) for o in re.findall(r"%(\d+)", head))
    known = tuple([avals[o] for o in operands])
    return Instruction(Application(TABLE[name], params, known, aval(result)), operands)
