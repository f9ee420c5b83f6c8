"""Rows of the table of names: how they are written, and how they are read.

    [torch Tensor Tensor_ out weigh]
    add(input, other, *, alpha=1)
    sin cos(input)
    max(input) = amax(input)
    max(input, dim: int, keepdim=False) -> values indices = max(input, dim=dim, keepdim=keepdim)

A heading says where the rows below it live: functions of ``torch``, methods of a tensor, methods that write it
(``Tensor_``: ``x.f_(…)``), functions with ``out=``, a namespace such as ``F``. ``weigh`` says that 0-dimensional
tensors give way to others in promotion. A row has PyTorch's signature, the names of what it returns if these are
several, and the value: an expression of home functions and of ``forms``, by default the home function of that name on
the same arguments. Behind `` ! `` stands the name of the graph's node, where it depends on the arguments. ``flat``: a
gradient that is zero everywhere. Several rows of one name are told apart by how many arguments there are, their names,
and the annotations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tenure.torch.names.tables import TABLES, elementwise

HEADING = re.compile(r"\[([\w ]+)\]$")
ROW = re.compile(r"([\w ]+?)\((.*?)\)(?: -> ([\w ]+?))?(?: = (.*))?$")
FACTORY = "dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False, names=None"
SPREADING = {"**options": FACTORY, "**like": f"{FACTORY}, memory_format=None"}
"""Parameters that many functions share."""
UNSEEN = ("layout", "pin_memory", "memory_format", "device", "requires_grad", "names", "size_average", "inplace")
"""Parameters that the adapter itself takes care of."""

_OTHERWISE = """
abs absolute bitwise_not ceil complex conj_physical fix float_power floor frac heaviside isneginf isposinf nan_to_num
neg negative polar round sgn sign signbit trunc where
addr bernoulli cat cholesky column_stack concat concatenate cond dstack ger hfft hfft2 hfftn householder_product hstack
irfft irfft2 irfftn kron logsumexp matrix_power matrix_rank max min nanmean normal normalize outer pinv row_stack stack
std tensorinv tensorsolve var vstack
"""
OTHERWISE = frozenset(_OTHERWISE.split())
"""Functions whose ``out=`` is not as that of their kind: of those element by element it may have any dtype that the
result may be cast to, of the others the result's."""

ALONE = ("norm", "softmax", "log_softmax")
"""Functions whose result has its own dtype, whatever ``out=`` has."""


class Row(NamedTuple):
    """A row: its name, the words of its heading, its parameters, what it returns, and its value."""

    name: str
    places: frozenset[str]
    parameters: str
    fields: tuple[str, ...]
    value: str
    node: str = ""

    @property
    def is_elementwise(self) -> bool:
        """Whether the result has the strides that PyTorch gives what it computes element by element."""
        return "elementwise" in self.places

    @property
    def keeps_dtype(self) -> bool:
        """Whether what ``out=`` names has the result's dtype, rather than any that the result may be cast to."""
        return self.name != "geqrf" if self.fields else self.is_elementwise == (self.name in OTHERWISE)

    @property
    def follows_out(self) -> bool:
        """Whether the result has the dtype of ``out=`` where none is given."""
        return "linalg" not in self.places and self.name not in ALONE and any(n == "dtype" for n, _ in self.plain())

    def plain(self) -> list[tuple[str, str]]:
        """Parameters with their defaults: name, and text behind it."""
        return [(name, default) for name, _, default in split(self.parameters)]

    def annotations(self) -> dict[str, str]:
        """Annotations of the parameters that have one."""
        return {name.lstrip("*"): said for name, said, _ in split(self.parameters) if said}


PARAMETER = re.compile(r"\s*(\*{0,2}\w*)(?:: (\w+))?(=(?:\([^)]*\)|\[[^\]]*\]|'[^']*'|[^,]*))?(?:,|$)")


def split(parameters: str) -> list[tuple[str, str, str]]:
    """Parameters: name, annotation, and default with its equals sign."""
    return [(m[1], m[2] or "", m[3] or "") for m in PARAMETER.finditer(parameters) if m[1]]


def read(table: str) -> Iterator[Row]:
    """The rows of a table."""
    places: frozenset[str] = frozenset()
    for line in re.sub(r"\n[ \t]+", " ", table).splitlines():
        heading = HEADING.match(line)
        if heading is not None:
            places = frozenset(heading[1].split())
            continue
        if not line.strip() or line.startswith("#"):
            continue
        found = ROW.match(line) if " = " not in line else ROW.match(line.split(" = ", 1)[0])
        assert found is not None, line
        value, _, said = line.partition(" = ")[2].partition(" ! ")
        parameters = found[2]
        for short, long in SPREADING.items():
            parameters = parameters.replace(short, long)
        fields = tuple((found[3] or "").split())
        for name in found[1].split():
            row = Row(name, places, parameters, fields, value.replace("NAME", name), said.replace("NAME", name))
            yield row if value else row._replace(value=f"{name}({passed(row)})")


def passed(row: Row) -> str:
    """The parameters as arguments of the home function."""
    given: list[str] = []
    named = False
    for name, _ in row.plain():
        if name == "*":
            named = True
        elif name not in UNSEEN:
            given.append(f"{name}={name}" if named else name)
    return ", ".join(given)


def grouped() -> dict[str, dict[str, list[Row]]]:
    """The rows of each name of each place."""
    out: dict[str, dict[str, list[Row]]] = {}
    for table in TABLES:
        for row in read(table):
            if table is elementwise.TABLE:
                row = row._replace(places=row.places | {"elementwise"})
            for place in row.places:
                out.setdefault(place, {}).setdefault(row.name, []).append(row)
    return out


ROWS = grouped()
