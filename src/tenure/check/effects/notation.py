"""The notation of the tables, one entry a line, and the reading of it.

    [functions numpy]                                   of the module of that name; also [methods KIND],
    add subtract (x1, x2, out): new ndarray, out        [attributes KIND] and [classes MODULE]
    asarray (a, *, copy): maybe-view a as ndarray | copy=True: new ndarray

    [methods list]
    append (object): nothing, resizes self, captures object
    copy: new list of element self

An entry: names, parameters as far as they matter (behind * by keyword only; `rest+` is that argument and all
later ones), and clauses: what comes back (`new KIND`, `new KIND of RELATION ARGUMENTS as KIND`, `nothing`,
`RELATION ARGUMENTS as KIND`), what the call does (writes, rebinds, resizes, moves, captures, saves, each with
arguments), `out` (or `out NAME`), `metadata`, `role NAME`. Behind | stands what holds where an argument is that
constant. An argument is a parameter, `self`, `result`, or one with `[]` (its items) or `.name` behind it.
"""

import ast
from functools import cache
from typing import Any, get_args

from tenure.check.effects.effect import Effect, Kind, Relation

__all__ = ["parse", "sections"]

_RELATIONS = frozenset(get_args(Relation))
_DONE = frozenset(("writes", "rebinds", "resizes", "moves", "captures", "saves"))
_SAME = frozenset(("alias", "view", "maybe-view"))


def sections(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """The unparsed entry of each name, by section, such as ("methods", "list")."""
    out: dict[tuple[str, str], dict[str, str]] = {}
    entries: dict[str, str] = {}
    for line in text.splitlines():
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            what, of = line[1:-1].split()
            entries = out.setdefault((what, of), {})
            continue
        end = line.index(":")
        if 0 <= (bracket := line.find("(")) < end:
            end = bracket
        entries.update(dict.fromkeys(line[:end].split(), line[end:]))
    return out


@cache
def parse(entry: str, is_method: bool) -> Effect:
    """The effect of an entry: the text behind its names."""
    parameters, _, rest = entry.partition(":")
    base, *variants = rest.split(" | ")
    positions = _Positions(parameters.strip(" ()"), is_method)
    effect = positions.fields(base)
    found = []
    for variant in variants:
        condition, _, clauses = variant.partition(":")
        name, _, constant = condition.strip().partition("=")
        found.append((positions.of(name), ast.literal_eval(constant), Effect(**positions.fields(clauses))))
    return Effect(**effect, variants=tuple(found))


class _Positions:
    """The parameters of one entry, by which its clauses name arguments."""

    def __init__(self, parameters: str, is_method: bool) -> None:
        before, _, after = parameters.partition("*")
        names = [name.strip() for name in before.split(",")] if before.strip(" ,") else []
        self.names = [name for name in (["self", *names] if is_method else names) if name]
        self.known = {name.rstrip("+"): f"{i}{'+' * name.endswith('+')}" for i, name in enumerate(self.names)}
        self.known |= {name: name for name in (s.strip() for s in after.split(",")) if name}

    def of(self, argument: str) -> str:
        base = argument.split("[")[0].split(".")[0]
        if base != "result" and base not in self.known:
            raise ValueError(f"no parameter {base!r} among {self.names}")
        return self.known.get(base, base) + argument[len(base) :]

    def fields(self, clauses: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if any(not name.endswith("+") for name in self.names):
            out["parameters"] = tuple(self.names)
        for clause in clauses.split(","):
            self._clause(clause.split(), out)
        return out

    def _clause(self, words: list[str], out: dict[str, Any]) -> None:
        match words:
            case ["nothing"]:
                out["kind"] = "scalar"
            case ["metadata"]:
                out["reads"] = False
            case ["role", role]:
                out["role"] = role
            case ["out", *name]:
                out["out"] = self.of(name[0] if name else "out")
                out["writes"] = (*out.get("writes", ()), out["out"])
            case [verb, *arguments] if verb in _DONE:
                out[verb] = (*out.get(verb, ()), *map(self.of, arguments))
            case ["new", *rest]:
                self._new(rest, out)
            case [relation, *rest] if relation in _RELATIONS:
                of, kind = self._of(rest)
                default = "same" if relation in _SAME else "iterator" if relation == "iteration" else "unknown"
                out |= {"result": relation, "of": of, "kind": kind or default}
            case _:
                raise ValueError(f"no clause: {' '.join(words)!r}")

    def _new(self, rest: list[str], out: dict[str, Any]) -> None:
        if "of" not in rest:
            out["kind"] = _kind(rest[0]) if rest else "unknown"
            return
        at = rest.index("of")
        out["kind"] = _kind(rest[0]) if at else "unknown"
        relation = rest[at + 1]
        out["items"] = relation
        of, kind = self._of(rest[at + 2 :])
        out |= {"of": of, "item_kind": kind or ("same" if relation in _SAME else "unknown")}

    def _of(self, words: list[str]) -> tuple[tuple[str, ...], str | None]:
        at = words.index("as") if "as" in words else len(words)
        return tuple(map(self.of, words[:at])), _kind(words[at + 1]) if at < len(words) else None


def _kind(name: str) -> str:
    if name != "same" and name not in get_args(Kind):
        raise ValueError(f"no kind: {name!r}")
    return name
