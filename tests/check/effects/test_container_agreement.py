"""The table of the standard library's containers against them: identity, length and contents after each call."""

from __future__ import annotations

import array
import copy
import pickle
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenure.check.effects import tables
from tenure.check.effects.effect import Effect


class Item:
    """A thing with an identity that can be ordered, hashed, and used as a number."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __lt__(self, other: Item) -> bool:
        return self.rank < other.rank


A, B, C, D = (Item(i) for i in range(4))
MAKERS: dict[str, list[Callable[[], Any]]] = {
    "list": [lambda: [B, A, C]],
    "tuple": [lambda: (B, A), lambda: frozenset((A, B))],
    "dict": [
        lambda: {A: B, C: A},
        lambda: OrderedDict({A: B, C: A}),
        lambda: defaultdict(list, {A: B}),
        lambda: Counter({"a": 1, "b": 2}),
    ],
    "set": [lambda: {A, B}],
    "deque": [lambda: deque([B, A])],
    "bytearray": [lambda: bytearray(b"ba")],
    "array": [lambda: array.array("i", [2, 1])],
}
ARGUMENTS: list[Callable[[], Any]] = [
    lambda: D,
    lambda: A,
    lambda: 0,
    lambda: 1,
    lambda: [D],
    lambda: {D},
    lambda: {A, D},
    lambda: {D: A},
    lambda: (D, C),
    lambda: 97,
    lambda: b"four",
    lambda: deque([D]),
    lambda: bytearray(b"x"),
    lambda: b"ba",
    lambda: array.array("i", [7]),
    lambda: slice(0, 1),
    lambda: frozenset((C, D)),
    lambda: {"a": 3},
    lambda: "a",
    lambda: [9],
]
UNSEEN = {"__bool__", "__format__"}


def state(value: Any) -> Any:
    """What a container holds: the identities, in order."""
    if isinstance(value, dict):
        return [(id(k), id(v)) for k, v in value.items()]
    if isinstance(value, bytearray | array.array):
        return [value.tobytes() if isinstance(value, array.array) else bytes(value)]
    return [id(item) for item in value]


def items(value: Any) -> list[Any]:
    """What a container refers to."""
    return [*value.keys(), *value.values()] if isinstance(value, dict) else list(value)


def tries(count: int) -> Iterator[list[Any]]:
    for first in ARGUMENTS if count else [lambda: None]:
        for second in ARGUMENTS[:4] if count > 1 else [lambda: None]:
            yield [first(), second()][:count]


def check(effect: Effect, make: Callable[[], Any], name: str, seen: set[str]) -> None:
    """Call with every sample; nothing may happen that the table does not say."""
    for count in range(3):
        for given in tries(count):
            receiver = make()
            before, length, first = state(receiver), len(receiver), items(receiver)
            try:
                result = getattr(receiver, name)(*given)
            except (TypeError, ValueError, LookupError, AttributeError, NotImplementedError):
                continue
            seen.add("called")
            if state(receiver) != before:
                seen.add("changed")
                assert effect.writes or effect.resizes, "changes without saying so"
            if len(receiver) != length and not (isinstance(receiver, dict) and name == "__setitem__"):
                seen.add("resized")
                assert effect.resizes, "changes the length without saying so"
            if result is receiver:
                seen.add("self")
                immutable = isinstance(receiver, tuple | frozenset)
                assert effect.result == "alias" or immutable, "gives itself without saying so"
            held = items(receiver)
            if any(result is item for item in first if isinstance(item, Item)):
                seen.add("element")
                assert effect.result in ("element", "alias"), "gives an element without saying so"
            kept = [*given, *(item for g in given if isinstance(g, list | set | tuple | deque | dict) for item in g)]
            if any(h is k for h in held for k in kept if isinstance(k, Item) and k is D):
                seen.add("captured")
                assert effect.captures, "keeps an argument without saying so"


CASES = [
    (kind, name)
    for (what, kind), names in tables._sections("python").items()
    if what == "methods" and kind in MAKERS
    for name in names
]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{k}.{n}" for k, n in CASES])
def test_method(kind: Any, name: str) -> None:
    effect = tables.method(kind, name)
    assert effect is not None
    seen: set[str] = set()
    for make in MAKERS[kind]:
        if hasattr(make(), name) and not (type(make()) is defaultdict and name == "__getitem__"):
            check(effect, make, name, seen)
    assert "called" in seen or name in UNSEEN
    if effect.resizes and name not in ("__imul__", "rotate", "move_to_end", "update", "__ior__", "subtract"):
        assert "resized" in seen or name in UNSEEN, "claims to change the length, and never did"
    if effect.writes:
        assert "changed" in seen or name in ("sort", "byteswap"), "claims to write, and never did"
    if effect.captures and kind not in ("bytearray", "array"):
        assert "captured" in seen, "claims to keep an argument, and never did"
    if effect.result == "element":
        assert "element" in seen, "claims to give an element, and never did"


@pytest.mark.parametrize("call", [list, tuple, set, frozenset, sorted, deque, copy.copy])
def test_what_is_copied_holds_the_same_items(call: Callable[[Any], Any]) -> None:
    effect = tables.function({"deque": "collections.deque", "copy": "copy.copy"}.get(call.__name__, call.__name__))
    assert effect is not None and (effect.result, effect.items) == ("owned", "element")
    source = [A, B]
    assert call(source) is not source
    assert {id(i) for i in call(source)} == {id(A), id(B)}


def test_deep_copies_share_nothing() -> None:
    for name, call in {"copy.deepcopy": copy.deepcopy, "pickle.loads": lambda x: pickle.loads(pickle.dumps(x))}.items():
        effect = tables.function(name)
        assert effect is not None and (effect.result, effect.items, effect.role) == ("owned", None, "deep-copy")
        assert call([A])[0] is not A


@pytest.mark.parametrize("name", ["reversed", "iter", "enumerate", "zip", "map", "filter"])
def test_iterations_see_later_changes(name: str) -> None:
    effect = tables.function(name)
    assert effect is not None and effect.result == "iteration"
    source = [1]
    with_function = {"map": lambda s: map(str, s), "filter": lambda s: filter(None, s)}
    iterator = with_function.get(
        name, {"reversed": reversed, "iter": iter, "enumerate": enumerate, "zip": zip}.get(name)
    )(source)  # type: ignore[misc]
    source[0] = 5
    assert "5" in str(list(iterator))
