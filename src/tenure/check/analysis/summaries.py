"""Summaries: the effects of a function on its arguments, in terms of its parameters, for its callers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tenure.check.analysis.findings import Findings
from tenure.check.values import Holder, Loan, Obj, Ref, Value, Write, copylike

__all__ = ["Act", "Encoder", "Fresh", "Given", "Path", "Summary", "path_of"]


_LARGEST = 24
"""The number of new objects in one result beyond which the rest is dropped."""


@dataclass(frozen=True, slots=True)
class Path:
    """A part of a given object: a parameter or outer variable, and the fields and views that lead on from it."""

    name: str
    outer: bool
    steps: tuple[tuple[object, ...], ...] = ()


@dataclass(slots=True, eq=False)
class Act:
    """An effect on a part of a given object: a write, a backward pass, an optimizer's step."""

    sort: str
    path: Path
    write: Write
    loan: Loan | None = None
    by_name: bool = False
    certain: bool = True


@dataclass(slots=True, eq=False)
class Given:
    """A result that is a part of a given object."""

    path: Path
    loan: Loan | None


@dataclass(slots=True, eq=False)
class Fresh:
    """A result that the function made, with the targets of its fields."""

    obj: Obj
    fields: "dict[object, tuple[Given | Fresh, ...]]" = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Summary:
    """Facts for callers, and the findings of the body: for its module, whichever caller had it run.

    `calls` are the summaries that it made use of, `files` those it depends on; `hands` is the kind of the buffer that
    a generator yields in each round, with the write that fills it again.
    """

    acts: dict[tuple[object, ...], Act] = field(default_factory=dict)
    returns: tuple[Given | Fresh, ...] = ()
    stores: list[tuple[Path, object, tuple[Given | Fresh, ...]]] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    known: bool = True
    hands: tuple[str, Write] | None = None
    found: Findings = field(default_factory=Findings)
    calls: "dict[Summary, None]" = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


def path_of(obj: Obj) -> Path | None:
    """The path from the given objects to an object; None if there is none."""
    steps: list[tuple[object, ...]] = []
    at = obj
    for _ in range(8):
        if at.parameter is not None:
            outer = isinstance(at.parameter, tuple)
            name = at.parameter[1] if isinstance(at.parameter, tuple) else at.parameter
            return Path(str(name), outer, tuple(reversed(steps)))
        if at.base is not None:
            steps.append(("view", _plain(at.region), at.kind, at.maybe))
            at = at.base
        elif at.owner is not None:
            steps.append(("field", _plain_name(at.field), at.kind, at.deep))
            at = at.owner
        else:
            return None
    return None


def _plain(region: tuple[tuple[object, ...], ...]) -> tuple[tuple[object, ...], ...]:
    return tuple(("copy", None) if one[0] == "copy" else tuple(_part(part) for part in one) for one in region)


def _part(part: object) -> object:
    if isinstance(part, Obj):
        return ("argument", part.parameter) if isinstance(part.parameter, str) else "?"
    return part if isinstance(part, int | str | None) else "?"


def _plain_name(name: object) -> object:
    if isinstance(name, Obj):
        return ("argument", name.parameter) if isinstance(name.parameter, str) else "*"
    return name


class Encoder:
    """Encoding of values by given and new objects; each new object once, and a bounded number of them."""

    def __init__(self, cells: Mapping[Holder, Value]) -> None:
        self._fields: dict[Obj, list[tuple[object, Value]]] = {}
        for holder, value in cells.items():
            if isinstance(holder, tuple):
                self._fields.setdefault(holder[0], []).append((holder[1], value))
        self._made: dict[Obj, Fresh] = {}

    def encode(self, value: Value) -> tuple[Given | Fresh, ...]:
        """The value in a form that callers can use."""
        return tuple(map(self._one, value))

    def _one(self, ref: Ref) -> Given | Fresh:
        path = path_of(ref.obj)
        if path is not None:
            return Given(path, copylike(ref))
        made = self._made.get(ref.obj)
        if made is not None:
            return made
        made = self._made[ref.obj] = Fresh(ref.obj)
        if len(self._made) < _LARGEST:
            for name, held in self._fields.get(ref.obj, ())[:_LARGEST]:
                made.fields[name] = self.encode(held)
            if ref.obj.base is not None:
                made.fields["·base"] = self.encode((Ref(ref.obj.base),))
        return made
