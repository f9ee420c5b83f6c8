"""Programs of extents: paths that differ in extents alone share one program.

    x[:37].sum(), then x[:50].sum()        two plans of one form; from these a program of a symbol s0
    x[:61].sum()                           that program, for s0 = 61

A path of a form that has come with other extents before is run by the program for symbols, if the conditions under
which that was derived hold (``ir.extents``). Small values are run as they come. A general program is used once two
examples have agreed with it, in which no symbol has the same value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.compile.ahead import made_ready
from tenure.compile.late import late
from tenure.ir import likes
from tenure.ir.extents import Extents
from tenure.ir.kin import Likeness, Values, elsewhere
from tenure.ir.program import Program
from tenure.report.frames import frames, is_own
from tenure.values.rules import packs
from tenure.values.rules.expand import Expansion
from tenure.values.rules.forms import Formed, Met, Recent, expanded
from tenure.values.rules.paths import Baked, literal
from tenure.values.rules.rows import Path, count
from tenure.values.rules.rules import GENERAL

MOST_ROWS = 1024
"""Rows of a path from which it gets a program of its own."""
SMALL = 1 << 16
"""Bytes of a value that is computed natively at first sight (``first``), at most: larger ones may be read in parts, or
written in place."""
SHARES_SMALL = False
"""Whether paths of small values share a program: to run each as it comes costs less than to fill in a table."""
VARIED = 4
"""Sets of extents from which a form is one of which more are to come: a program for one set may not come again."""
EXAMPLES = 2
"""Paths that get programs of their own, before one is derived."""
MOST_PROGRAMS = 8
"""General programs of a form: for other sets of extents that differ, and other conditions."""
ATTEMPTS = 4
"""Derivations of a form that may fail."""


class Example:
    """A path with its extents, and the plan that was made for it by itself."""

    __slots__ = ("extents", "numbers", "path", "plan")

    def __init__(self, path: Path, formed: Formed, plan: Any) -> None:
        self.path, self.extents, self.plan = path, formed.extents, plan
        self.numbers = numbers_of(path)

    def program(self, literals: dict[int, Any]) -> Program:
        """The program of the plan's outputs, with these numbers as constants."""
        return program_of(Expansion().advance(self.path), self.plan, literals)


class Shared:
    """A general program with the likeness of the paths that it is for; ``literals`` are the numbers that it takes for
    constants. It is ``sure`` once two examples have agreed."""

    __slots__ = ("example", "general", "likeness", "literals", "sure")

    def __init__(self, general: Any, likeness: Likeness, literals: dict[int, Any], example: Example) -> None:
        self.general, self.likeness, self.literals, self.example = general, likeness, literals, example
        self.sure = False

    def values(self, formed: Formed, numbers: Sequence[Any]) -> tuple[int, ...] | None:
        """Values of the symbols for a path; None if the program is not for it."""
        found = self.likeness.values(formed.extents)
        if found is None or any(numbers[k] is GENERAL or numbers[k] != x for k, x in self.literals.items()):
            return None
        return found if self.general.holds(*found) else None


class Family:
    """Examples of a form for a set of outputs, and general programs."""

    __slots__ = ("examples", "failed", "shared", "why")

    def __init__(self) -> None:
        self.examples: list[Example] = []
        self.shared: list[Shared] = []
        self.failed = 0
        self.why = ""


FAMILIES, MET = Recent(), Met()
SHARES = {"derived": 0, "used": 0, "refused": 0}
"""Counts, for tests: general programs derived, paths that they have served, derivations that failed."""


def numbers_of(path: Path) -> list[Any]:
    """The numbers of a path, as far as they are specialized."""
    return [x for block in path.blocks() for x in block.fixed]


def family_of(path: Path, formed: Formed, key: Any) -> Family:
    """The family of a path and a set of outputs."""
    key = (formed.forms, key)
    found: Family = FAMILIES.use(key, Family)
    return found


class Sight:
    """The first path that came with a form and a set of outputs, and how often others have."""

    __slots__ = ("path", "times")

    def __init__(self, path: Path) -> None:
        self.path, self.times = path, 0
        likes.untracked(self)  # no path leads back to it

    def varies(self) -> bool:
        """Whether several sets of extents have come: a program for one set may not come again."""
        return self.times >= VARIED


def key_of(slots: tuple[int, ...], save: Any) -> Any:
    """Key of some outputs of a form: the results that are wanted, and what is saved for a backward."""
    return slots, save if isinstance(save, tuple) else False


def sight_of(path: Path, key: Any) -> Sight | None:
    """The sight of a path's form for some outputs; None at the first time, which is noted."""
    found: Sight | None = MET.before(path, key, Sight(path))
    return found


def met(path: Path, key: Any) -> bool:
    """Note that a new path runs for these outputs; whether it shares a program with others of its form."""
    found = sight_of(path, key)
    if found is None or found.path is path:
        return False
    found.times += 1
    return SHARES_SMALL


def is_small(path: Path) -> bool:
    """Whether all values of a path are small: it is as cheap to run it as it comes."""
    rules = {rule for block in path.blocks() for rule in block.rules}
    return all(kind.aval.nbytes <= SMALL for rule in rules for kind in rule.kinds)


def found(path: Path, formed: Formed, key: Any) -> tuple[Any, Any, dict[int, Any]] | None:
    """The plan of an example, the executable of a path by a general program, and the numbers that this takes for
    constants; None if there is none."""
    family = family_of(path, formed, key)
    numbers = numbers_of(path) if family.shared else []
    for shared in family.shared:
        values = shared.values(formed, numbers) if shared.sure else None
        if values is not None:
            SHARES["used"] += 1
            return shared.example.plan, late("sized").sized(shared.general, values), shared.literals
    return None


def baked(path: Path, literals: dict[int, Any]) -> Baked:
    """The places of numbers that a program takes for constants."""
    places: Baked = []
    first = 0
    for block in path.blocks():
        own = [k - first for k in literals if first <= k < first + len(block.fixed)]
        first += len(block.fixed)
        if own:
            places.append((block, own))
    return places


def note(path: Path, formed: Formed, key: Any, plan: Any, made: Callable[[Path], Any]) -> None:
    """Note a plan that was made for a path by itself, as an example of its form; with another one, derive a general
    program. The plan of the path that has met the form first is ``made`` now."""
    sight = sight_of(path, key)
    if not SHARES_SMALL and sight is not None and is_small(path):
        return
    family = family_of(path, formed, key)
    first = None if family.examples or sight is None else sight.path
    if first is not None and first is not path and Formed(first).forms == formed.forms:
        family.examples.append(Example(first, Formed(first), made(first)))
    example = Example(path, formed, plan)
    if not confirm(family, example) and len(family.examples) >= EXAMPLES and family.failed < ATTEMPTS:
        derive(family, example)
    family.examples = [*family.examples[-EXAMPLES:], example]


def confirm(family: Family, example: Example) -> bool:
    """Compare an example with the general programs that are for it; whether there is one."""
    for shared in list(family.shared):
        values = shared.values(Formed(example.path), example.numbers)
        if values is None:
            continue
        own = shared.likeness.values(shared.example.extents)
        apart = own is not None and all(x != y for x, y in zip(values, own, strict=True))
        if not shared.general.agrees(values, example.program(shared.literals)):
            family.shared = [other for other in family.shared if other is not shared]
            refuse(family, "an example does not agree")
            return False
        shared.sure = shared.sure or apart
        return True
    return False


def refuse(family: Family, why: str) -> None:
    """Note that a derivation has failed."""
    family.failed += 1
    family.why = why
    SHARES["refused"] += 1


def derive(family: Family, example: Example) -> None:
    """Derive a general program from an example and the former one that it is most alike."""
    pairs = [(Likeness(other.extents, example.extents), other) for other in family.examples]
    likeness, other = min(pairs, key=lambda pair: len(pair[0].places))
    if not likeness.places:
        return
    literals = {
        k: x
        for k, (x, y) in enumerate(zip(example.numbers, other.numbers, strict=True))
        if x is not GENERAL and type(x) is type(y) and x == y
    }
    try:
        general = general_of(example, likeness, literals)
        agrees = general.agrees(likeness.values(example.extents), example.program(literals)) and all(
            not general.holds(*values) or general.agrees(values, program_at(example, likeness, literals, values))
            for values in elsewhere(likeness.values(example.extents) or ())
        )
    except Exception as error:
        if not all(map(is_own, frames(error))):  # a signal handler has raised it
            raise
        refuse(family, f"{type(error).__name__}: {error}")
        return
    if not agrees:
        refuse(family, "its own example does not agree")
        return
    shared = Shared(general, likeness, literals, example)
    family.shared = [shared, *family.shared][:MOST_PROGRAMS]
    SHARES["derived"] += 1
    count("programs")
    for other in family.examples:
        confirm(family, other)


def general_of(example: Example, likeness: Likeness, literals: dict[int, Any]) -> Any:
    """The program of an example's outputs for symbols."""
    symbols = Extents([example.extents[k] for k in likeness.first])
    ex = expanded(example.path, likeness.symbolic(example.extents, symbols))
    return late("sized").General(program_of(ex, example.plan, literals), symbols)


def program_at(example: Example, likeness: Likeness, literals: dict[int, Any], values: Values) -> Program:
    """The program of an example's outputs for other extents."""
    ex = expanded(example.path, likeness.with_values(example.extents, values))
    return program_of(ex, example.plan, literals)


def program_of(ex: Expansion, plan: Any, literals: dict[int, Any]) -> Program:
    """The program of a plan's outputs from the primitives of a path, with these numbers as constants."""
    kept = [packs.pack(ex.builder, what) for what in plan.saved]
    known = {ex.scalars[k]: literal(x, ex.builder.avals[ex.scalars[k]].dtype) for k, x in literals.items()}
    numbers = [v for v in ex.scalars if v not in known]
    outputs = [*[ex[s].id for s in plan.slots], *kept]
    return made_ready(ex.builder.extract([*ex.inputs, *numbers], outputs, known))
