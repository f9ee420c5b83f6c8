"""Templates: the instructions that a function of builder values emits, as far as the kinds of its operands decide them.

    f(x, y) = add (cast x) y      on x int64 and y float32, tracked, becomes
    cast 0; add 2 1               to be copied, with a new number for each value

The function runs once on symbols: values of which the aval is known, whether a gradient flows through them, in how many
vmapped functions they are one example's, and, where it says so, what zeros they hold. A function that looks at how an
operand was made is *opaque*: it runs each time.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from tenure.ir.applications import Application, exact
from tenure.ir.aval import Aval
from tenure.ir.extents import Extents, symbolic
from tenure.ir.kin import Line, line_of
from tenure.ir.likes import Bounded, Symbolic, Twinned, filled, stripped
from tenure.ir.program import Builder, Constant, Value, constant_key
from tenure.ir.spelled import Spelled
from tenure.ir.sums import Plain, plain_of

Flags = tuple[bool | int, ...]
"""Whether a builder is tracking, then whether each operand is tracked; in vmapped functions their depths follow."""
Function = Callable[..., Any]
MOST_VALUES = 256
"""Values of a template that native code copies, with its operands and constants."""


class Opaque(Exception):
    """A function looks at how an operand was made."""


class Symbols(Builder):
    """Builder on symbols."""

    __slots__ = ("given",)

    def __init__(self, avals: Sequence[Aval], flags: Flags) -> None:
        super().__init__()
        self.given = n = len(avals)
        self.tracking = bool(flags[0])
        for aval, tracked in zip(avals, flags[1 : n + 1], strict=True):
            self.input(aval, tracked=bool(tracked))
        self.depths.update({v: depth for v, depth in enumerate(flags[n + 1 :]) if depth})

    def made(self, v: int) -> Application | None:
        if v < self.given:
            raise Opaque
        return self.applications[v]


class Template(Twinned):
    """Instructions to copy. They and the results refer by 0, 1, … to operands, then to the constants that they share
    with the builder, then to the instructions themselves.

    ``is_new`` says whether each result is an instruction of its own. ``results`` are references, None for a result that
    there is not; ``single`` is the only one. ``order`` is that of constants and instructions. ``zeros`` pairs
    references with the zeros that they hold as cotangents, where known; ``cases`` does so for each of the zeros that
    the first operand may hold, if that makes a difference. ``facts`` is what others keep with it that does not depend
    on extents.
    ``words`` has the numbers for native code, and ``start`` their address, 0 if there are more than it takes: how many
    values are given, constants and instructions; how many results there are, and their references; of each instruction
    how many operands it has, and their references; of each constant how many instructions come before it.
    """

    __slots__ = (
        "applications", "avals", "cases", "constants", "facts", "given", "is_new", "order", "refs", "results", "single",
        "start", "tracked", "words", "zeros",
    )  # fmt: skip

    def __init__(self, b: Builder, given: int, results: Sequence[Value | None]) -> None:
        shared = {v: key for key, v in b.consts.items()}
        own = [v for v in range(given, len(b.avals)) if v not in shared]
        if b.wide:  # much was rounded that nobody reads
            needed = set(b.needed([x.id for x in results if x is not None], set(range(given)), whole=True))
            shared, own = {v: key for v, key in shared.items() if v in needed}, [v for v in own if v in needed]
        ref = {v: k for k, v in enumerate([*range(given), *shared, *own])}
        made: list[Any] = b.applications
        self.given = given
        self.constants: tuple[tuple[Constant, Application], ...] = tuple([(key, made[v]) for v, key in shared.items()])
        self.order = tuple([ref[v] for v in range(given, len(b.avals)) if v in ref])
        self.applications: tuple[Application, ...] = tuple([made[v] for v in own])
        self.avals = tuple([b.avals[v] for v in own])
        self.tracked = tuple([b.tracked[v] for v in own])
        self.refs = [tuple([ref[o] for o in b.operands[v]]) for v in own]
        self.results = tuple([None if x is None else ref[x.id] for x in results])
        self.single = self.results[0] if len(self.results) == 1 else None
        self.zeros: tuple[tuple[int, int], ...] = ()
        self.cases: tuple[tuple[tuple[int, int], ...], ...] = ()
        self.facts: dict[Any, Any] = {}
        first = given + len(self.constants)
        self.is_new = all(k is not None and k >= first for k in self.results)
        words = [given, len(self.constants), len(own), len(self.results)]
        words += [-1 if k is None else k for k in self.results]
        before = [sum([k >= first for k in self.order[: self.order.index(given + c)]]) for c in range(words[1])]
        self.words = array("q", chain(words, *[(len(refs), *refs) for refs in self.refs], before))
        self.start = self.words.buffer_info()[0] if sum(words[:3]) <= MOST_VALUES else 0

    def like(
        self,
        constants: tuple[tuple[Constant, Application], ...],
        applications: tuple[Application, ...],
        avals: tuple[Aval, ...],
    ) -> Template:
        """The same with other applications."""
        made = self.twin()
        made.constants, made.applications, made.avals = constants, applications, avals
        return made

    def behind(self, refs: Sequence[int]) -> set[int]:
        """The references that some depend on, these included."""
        found: set[int] = set()
        stack, first = list(refs), self.given + len(self.constants)
        while stack:
            k = stack.pop()
            if k not in found:
                found.add(k)
                stack += self.refs[k - first] if k >= first else ()
        return found

    def lay(self, b: Builder, ids: list[int]) -> None:
        """Append the instructions, on the operands ``ids``, which become the values by reference."""
        for key, _ in self.constants:
            v = b.consts.get(key)
            if v is None:
                break
            ids.append(v)
        else:
            if not (b.block or b.depths):
                self._copy(b, ids)
                return
        del ids[self.given :]
        self._append(b, ids)

    def _copy(self, b: Builder, ids: list[int]) -> None:
        """The usual case: all constants are there, and nothing is noted of a value but what the template says."""
        v, origin, append, note = len(b.avals), b.origin, b.operands.append, b.origins.append
        b.avals += self.avals
        b.applications += self.applications
        b.tracked += self.tracked
        for refs in self.refs:
            if len(refs) == 2:
                x, y = refs
                append((ids[x], ids[y]))
            elif len(refs) == 1:
                append((ids[refs[0]],))
            else:
                append(tuple([ids[k] for k in refs]))
            note(origin)
            ids.append(v)
            v += 1

    def _append(self, b: Builder, ids: list[int]) -> None:
        first = self.given + len(self.constants)
        ids += [0] * (len(self.constants) + len(self.avals))
        for k in self.order:
            if k < first:
                key, application = self.constants[k - self.given]
                if key not in b.consts:
                    b.consts[key] = b.append(application, ())
                ids[k] = b.consts[key]
            else:
                own = k - first
                ids[k] = v = b.append(self.applications[own], tuple([ids[o] for o in self.refs[own]]))
                b.avals[v], b.tracked[v] = self.avals[own], self.tracked[own]


class Filled:
    """A template on symbols, to be filled in. Of its constants only those are spelled that hold symbols. Native code
    fills it in by ``plain``, for extents that ``matches`` says, where these have words (``ir.sums``); what it makes
    is spelled for Python only when Python is asked."""

    __slots__ = ("constants", "made", "matches", "plain", "symbols", "template", "weak")

    def __init__(self, template: Template, symbols: Extents) -> None:
        self.template, self.symbols = template, symbols
        held = [at for _, at in template.constants]
        self.constants = any(symbolic(x) for at in held for x in (*at.params.values(), at.aval.shape))
        self.weak = [(k, aval) for k, aval in enumerate(template.avals) if aval.weak and not symbolic(aval.shape)]
        self.matches: Any = None
        shared = template.constants if self.constants else ()
        self.plain: Plain | None = plain_of(shared, template.applications, symbols)
        self.made = None if self.plain is not None else self.spelled()  # either notes the conditions

    def spelled(self) -> Callable[[Any], list[Application]]:
        """The function of values of the symbols that makes the applications."""
        held = [at for _, at in self.template.constants] if self.constants else ()
        return Spelled([*held, *self.template.applications], self.symbols).at

    def at(self, values: tuple[int, ...]) -> Template:
        """The template for values of the symbols."""
        if self.made is None:
            self.made = self.spelled()
        like, own = self.template, self.made(values)
        constants = like.constants
        if self.constants:
            held, own = own[: len(constants)], own[len(constants) :]
            constants = tuple([(constant_of(at), at) for at in held])
        avals = [at.aval for at in own]
        for k, aval in self.weak:
            avals[k] = aval
        return like.like(constants, tuple(own), tuple(avals))

    def agrees(self, values: tuple[int, ...], found: Template, made: Template) -> bool:
        """Whether what was filled in is a template."""
        names = [name for name in Template.__slots__ if name not in ("facts", "start")]
        return all(getattr(found, name) == getattr(made, name) for name in names)


def constant_of(at: Application) -> Constant:
    """The key of a constant, as a builder keeps it."""
    return constant_key(at.params["value"], at.params["dtype"])


def run(b: Builder, function: Function, params: Mapping[str, Any]) -> Template:
    """Template of a function on the inputs of a builder that holds nothing else."""
    given, b.wide = len(b.avals), {}
    ans = function(*[Value(b, v) for v in range(given)], **params)
    return Template(b, given, ans if isinstance(ans, tuple | list) else (ans,))


def flags_of(b: Builder, ids: Sequence[int]) -> Flags:
    """The flags of operands in a builder."""
    tracked = b.tracked
    if b.depths:
        return (b.tracking, *[tracked[v] for v in ids], *[b.depths.get(v, 0) for v in ids])
    if len(ids) == 2:
        x, y = ids
        return b.tracking, tracked[x], tracked[y]
    return (b.tracking, *[tracked[v] for v in ids])


class Recipe:
    """A function with parameters, on operands of some avals, and its templates by their flags."""

    __slots__ = ("avals", "function", "params", "templates")

    def __init__(self, function: Function, params: tuple[tuple[str, Any], ...], avals: tuple[Aval, ...]) -> None:
        self.function = function
        self.params = params
        self.avals = avals
        self.templates: dict[Flags, Template | None] = {}

    def template(self, flags: Flags) -> Template | None:
        """The template; None if the function is opaque. Its errors are raised here, each time."""
        if flags in self.templates:
            return self.templates[flags]
        line, extents = self.line(flags)
        if line is None:
            found = self.run(flags, self.avals, self.params)
        else:
            found = line.found(extents, lambda extents: self.alike(flags, extents), Filled)
        self.templates[flags] = found
        return found

    def line(self, flags: Flags) -> tuple[Line | None, list[int]]:
        """The line of templates of recipes that differ in extents alone, and the extents; None for symbols."""
        extents: list[int] = []
        try:
            said = stripped(self.avals, extents), stripped(self.params, extents)
        except Symbolic:
            return None, extents
        return line_of((self.function, flags, *said)), extents

    def alike(self, flags: Flags, extents: Sequence[int]) -> Template | None:
        """The template for other extents."""
        left = iter(extents)
        return self.run(flags, filled(self.avals, left), filled(self.params, left))

    def run(self, flags: Flags, avals: tuple[Aval, ...], params: tuple[tuple[str, Any], ...]) -> Template | None:
        """The template of the function on such operands."""
        try:
            return run(Symbols(avals, flags), self.function, dict(params))
        except Opaque:
            return None

    def plain(self, flags: Flags) -> Template | None:
        """The template, if it has been made and each result is an instruction of its own."""
        found = self.templates.get(flags)
        return found if found is not None and found.is_new else None

    def lay(self, b: Builder, ids: list[int]) -> list[int]:
        """Emit the instructions of the function; returns the numbers of its results."""
        flags = flags_of(b, ids)
        template = self.templates.get(flags) or self.template(flags)
        if template is None:
            ans = self.function(*[Value(b, v) for v in ids], **dict(self.params))
            return [x.id for x in (ans if isinstance(ans, tuple) else (ans,))]
        template.lay(b, ids)
        if template.single is not None:
            return [ids[template.single]]
        return [ids[k] for k in template.results]  # type: ignore[index]


RECIPES = Bounded()


def recipe(function: Function, params: tuple[tuple[str, Any], ...], avals: tuple[Aval, ...]) -> Recipe:
    """The recipe of a function with (name, value) pairs as its parameters."""
    found: Recipe | None = RECIPES.get((function, params, avals))
    if found is None:
        found = RECIPES.keep((function, params, avals), Recipe(function, params, avals))
    if found.params is not params and exact(found.params) != exact(params):
        return Recipe(function, params, avals)
    return found
