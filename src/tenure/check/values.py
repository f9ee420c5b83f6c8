"""Abstract values of variables: objects, the loans by which they came, and the writes they do not expect.

An object stands for all that one site of the program makes. A view has a base and the region of it that it shows; a
part of something given from outside (a parameter's attribute, a list's element) has an owner and a field. A cell
(a variable, register or field) holds references; each knows the loan by which it came there, and the first write
since that changed its object unexpectedly.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

__all__ = [
    "INFO",
    "MAY",
    "MUST",
    "NO",
    "WIDEST",
    "Holder",
    "Loan",
    "Obj",
    "Ref",
    "Value",
    "Write",
    "adopt",
    "compare_regions",
    "copylike",
    "of_array",
    "one_object",
    "plain",
    "spread",
]

NO, MAY, MUST = 0, 1, 2
"""Whether two objects share memory."""

WIDEST = 12
"""The number of objects in a cell beyond which nothing is reported of it."""

Holder: TypeAlias = str | int | tuple["Obj", object]
"""A cell: a variable by name, a register by number, or a field of an object."""

Component = tuple[object, ...]
"""("i", number), ("v", object), ("s", start, stop, step), ("copy", mask), ("all",) or ("op", name)."""


@dataclass(slots=True, eq=False)
class Obj:
    """An abstract object. `summary`: it stands for several concrete ones, so nothing is certain of it.

    `terms`: the numbers that a number is computed from, or is one of. `begins`, `ends`: the modules that a
    sequence of modules begins and ends with; `ends` also one of a list of modules that are alike.
    """

    kind: str
    node: ast.AST | None = None
    base: "Obj | None" = None
    region: tuple[Component, ...] = ()
    owner: "Obj | None" = None
    field: object = None
    summary: bool = False
    deep: bool = False
    grad: bool = False
    leaf: bool = False
    ndim: int | None = None
    dtype: str | None = None
    strided: bool = False
    maybe: str = ""
    const: object = ...
    target: object = None
    text: str = ""
    parameter: object = None
    default: bool = False
    saves: bool = False
    length: int | None = None
    terms: "tuple[Obj, ...]" = ()
    ends: "Obj | None" = None
    begins: "Obj | None" = None

    def root(self) -> "Obj":
        """The object whose memory this one shows."""
        at = self
        while at.base is not None:
            at = at.base
        return at

    def lies_in(self, whole: "Obj") -> bool:
        """Whether this object is another one, or a part or view of it, at any depth."""
        at: Obj | None = self
        while at is not None:
            if at is whole:
                return True
            at = at.base or at.owner
        return False


INFO = ("kind", "grad", "leaf", "ndim", "dtype", "strided", "maybe", "target", "const", "text", "ends", "begins")
"""Facts about an argument for the function, and about a result for the caller."""


def adopt(obj: Obj, example: Obj) -> None:
    """Copy the facts about an example."""
    for name in INFO:
        if name == "const" and not isinstance(example.const, bool | None):
            continue
        setattr(obj, name, getattr(example, name))
    if obj.text == "display":
        obj.text = ""


def spread(obj: Obj) -> Obj | None:
    """The view by `expand` that an object is or lies in: several of its elements are one cell of memory."""
    at: Obj | None = obj
    while at is not None:
        if at.text == "expanded":
            return at
        at = at.base
    return None


@dataclass(slots=True, eq=False)
class Loan:
    """The loan of a reference: its relation, its site, and the cell it was taken from.

    `copylike`: the code reads as if it had made something of its own. `name` is the variable that got it, `of` the
    expression it was given, `frame` the number of the call that it was taken in.
    """

    node: ast.AST
    relation: str
    source: Holder | None
    text: str
    parent: "Loan | None" = None
    copylike: bool = False
    conditions: tuple[tuple[ast.expr, bool], ...] = ()
    path: str = ""
    name: str = ""
    of: ast.AST | None = None
    frame: int = 0

    @property
    def seems_own(self) -> bool:
        """Whether a name was bound to an expression that reads like something new."""
        return self.copylike and (self.name != "" or self.relation not in ("view", "maybe-view"))

    def all_conditions(self) -> Iterator[tuple[tuple[ast.expr, bool], ...]]:
        """The conditions of each step that led to this reference."""
        at: Loan | None = self
        while at is not None:
            yield at.conditions
            at = at.parent

    def sources(self) -> dict[Holder, bool]:
        """The cells this reference was taken from, each with whether a copy seems to lie between."""
        out: dict[Holder, bool] = {}
        copied, at = False, self
        while True:
            copied = copied or at.seems_own
            if at.source is not None:
                out.setdefault(at.source, copied)
            if at.parent is None:
                return out
            at = at.parent


@dataclass(slots=True, eq=False)
class Write:
    """A write: its site, its sort ("write", "rebind", "resize", "step", "backward", ...), and the calls between.

    `inner` is its site in the called function, with that file's path. `call`: where the body under check calls the
    function of another file that it stands in; `frame` is the number of that call. `reached`: the objects it changed.
    """

    node: ast.AST
    sort: str
    text: str
    via: tuple[str, ...] = ()
    inner: tuple[str, ast.AST] | None = None
    hidden: bool = False
    certain: bool = True
    grows: bool = False
    stored: "frozenset[Obj]" = frozenset()
    conditions: tuple[tuple[ast.expr, bool], ...] = ()
    call: ast.AST | None = None
    frame: int = 0
    reached: "set[Obj]" = field(default_factory=set)


SECOND_NAMES = frozenset(("name", "attribute", "passed", "given", "returned", "element"))
"""Relations of a second name to the same object."""


class Ref(NamedTuple):
    """One possible content of a cell."""

    obj: Obj
    loan: Loan | None = None
    write: Write | None = None
    must: bool = True


def plain(name: str) -> str:
    """The name of a variable as it stands in the program: those of inner scopes have a mark behind it."""
    return name.partition("·")[0] or name


def copylike(ref: Ref) -> Loan | None:
    """The loan behind a reference that looks like a copy, if there is one."""
    at = ref.loan
    while at is not None and not at.seems_own:
        at = at.parent
    return at


Value = tuple[Ref, ...]
"""The possible contents of a cell; empty: nothing is known."""


def one_object(value: Value) -> bool:
    """Whether a value is no more than one object, by whatever loans."""
    return len(value) < 2 or all(ref.obj is value[0].obj for ref in value)


def _disjoint(a: Component, b: Component) -> int:
    """Whether two components of an index select something in common."""
    if a == b:
        unknown = a[0] == "?" or a == ("copy", None) or any(isinstance(part, Obj) and part.summary for part in a)
        return MAY if unknown else MUST
    if a[0] == "all" or b[0] == "all":
        return MUST
    if a[0] == b[0] == "copy":
        return NO if _inverse(a[1], b[1]) else MAY
    if a[0] == "i" and b[0] == "i":
        return NO if (a[1] < 0) == (b[1] < 0) else MAY  # type: ignore[operator]
    if a[0] == "s" and b[0] == "i":
        a, b = b, a
    if a[0] == "i" and b[0] == "s":
        return _index_in_slice(a[1], b)
    if a[0] == "s" and b[0] == "s":
        return _slices(a, b)
    return MAY


def _inverse(mask: object, other: object) -> bool:
    """Whether a mask is the other one inverted: `m` and `~m`."""
    if not isinstance(mask, Obj) or not isinstance(other, Obj):
        return False
    return mask in other.terms or other in mask.terms


def _index_in_slice(index: object, part: Component) -> int:
    low, high, step = part[1] or 0, part[2], part[3]
    if not isinstance(index, int) or not isinstance(low, int) or not isinstance(high, int | None) or index < 0:
        return MAY
    if low < 0 or (high is not None and high < 0) or step not in (None, 1):
        return MAY
    return MUST if low <= index and (high is None or index < high) else NO


def _slices(a: Component, b: Component) -> int:
    for one, other in ((a, b), (b, a)):
        # One ends where the other begins.
        if one[2] is not None and one[2] == other[1] and one[3] in (None, 1) and other[3] in (None, 1):
            return NO
    step = a[3]
    if isinstance(step, int) and step == b[3] and step > 1:
        start, begin = a[1] or 0, b[1] or 0
        if isinstance(start, int) and isinstance(begin, int):
            return MUST if (start - begin) % step == 0 else NO
    if a[3] not in (None, 1) or b[3] not in (None, 1):
        return MAY
    ends = [part for one in (a, b) for part in one[1:3]]
    if not all(part is None or isinstance(part, int) for part in ends):
        return MUST if (a[1] or 0) == (b[1] or 0) or (a[2] is None and b[2] is None) else MAY
    return _constant_slices(a, b)


def _constant_slices(a: Component, b: Component) -> int:
    """Slices with constant ends; an axis is taken to be long enough for both to select something."""
    (a_low, a_high), (b_low, b_high) = ((part[1] or 0, part[2]) for part in (a, b))
    assert isinstance(a_low, int) and isinstance(b_low, int)
    for low, high in ((a_low, b_high), (b_low, a_high)):
        if isinstance(high, int) and (low < 0) == (high < 0) and low >= high:
            return NO
    if a_low >= 0 and b_low >= 0:
        return MUST
    return MAY


def compare_regions(a: list[tuple[Component, ...]], b: list[tuple[Component, ...]]) -> int:
    """Whether two chains of regions, each from the same root downwards, share memory."""
    for one, other in zip(a, b, strict=False):
        if one == other and not any("?" in part or part[0] == "copy" for part in one):
            if any(isinstance(item, Obj) and item.summary for part in one for item in part):
                return MAY
            continue
        if one[:1] and other[:1] and "op" in (one[0][0], other[0][0]):
            return MAY
        found = MUST
        for x, y in zip(one, other, strict=False):
            found = min(found, _disjoint(x, y))
        if found is MUST and len(a) == len(b) == 1:
            return MUST
        return NO if found is NO else MAY
    return MUST


def of_array(region: tuple[Component, ...]) -> bool:
    """Whether an index has a form that only arrays accept."""
    return len(region) != 1 or region[0][0] in ("all", "copy", "new")
