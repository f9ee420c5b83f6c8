"""The rule class-value-written (TN506)."""

import ast
import re
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import decorator_names, last_name
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_MADE = frozenset(("list", "dict", "set", "deque", "defaultdict", "OrderedDict", "Counter"))
_SHRINKING = frozenset(("remove", "pop", "clear", "discard", "popitem", "sort", "reverse"))
_GROWING = frozenset(("append", "extend", "insert", "add", "update", "appendleft", "setdefault"))
_COMMON = re.compile(r"cache|memo|regist|instance|shared|(^|_)all(_|$)|known|pool|global|seen|borg|lock")
"""Parts of names of values that a class means to share."""

_PLAIN_BASES = frozenset(
    ("builtins.object", "abc.ABC", "torch.nn.Module", "torch.utils.data.Dataset", "builtins.Exception")
)


_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("written here", "made once, for the class")
    events = (*_events(facts), *_by_constructors(facts), *_by_second_names(facts))
    return reports_of(facts, RULE, events, "all instances share `{text}`, and this one writes it", words)


def _events(facts: Facts) -> Iterator[Event]:
    for info in facts.module.classes.values() if facts.whole else ():
        shared = {name: value for name, value in _shared(info) if not _meant(facts, info, name)}
        if not shared or not _plain(facts, info):
            continue
        for method in info.node.body:
            if isinstance(method, _FUNCTIONS) and not decorator_names(method) & {"classmethod", "staticmethod"}:
                for node in ast.walk(method):
                    name = _written(node)
                    if name in shared:
                        yield Event(facts.source.path, RULE.name, (node, shared[name]), text=f"self.{name}")


def _by_constructors(facts: Facts) -> Iterator[Event]:
    """Tables of a class, filled already, whose entries the constructor (or that of a base) sets for one instance."""
    for info in facts.module.classes.values() if facts.whole else ():
        shared = {name: value for name, value in _tables(info) if not _meant(facts, info, name)}
        if not shared or not _plain(facts, info):
            continue
        for one in facts.program.bases(info):
            init = one.methods.get("__init__") if isinstance(one, ClassInfo) and one.module is info.module else None
            for node in ast.walk(init.node) if init is not None else ():
                name = _written(node)
                bound = name in one.attributes and one is not info
                if name in shared and isinstance(node, ast.Subscript) and not bound:
                    yield Event(facts.source.path, RULE.name, (node, shared[name]), text=f"self.{name}")


def _by_second_names(facts: Facts) -> Iterator[Event]:
    """Containers of a class that the constructor keeps under a name of the instance, which a method then writes."""
    for info in facts.module.classes.values() if facts.whole else ():
        kept = _second_names(facts, info)
        if not kept or not _plain(facts, info):
            continue
        for method in info.node.body:
            if isinstance(method, _FUNCTIONS) and method.name != "__init__":
                for node in ast.walk(method):
                    name = _written(node, _GROWING | _SHRINKING)
                    if name in kept:
                        yield Event(facts.source.path, RULE.name, (node, kept[name]), text=f"self.{name}")


def _second_names(facts: Facts, info: ClassInfo) -> dict[str, ast.expr]:
    """The attributes that are bound once, to a container of the class or of the module's constants."""
    made = {name: value for name, value in _bodies(info.node.body) if _is_container(value)}
    found = {}
    for name, values in info.attributes.items():
        for one in values[0].values if len(values) == 1 and isinstance(values[0], ast.BoolOp) else values[:1]:
            match one:
                case ast.Attribute(value=ast.Name(id=owner), attr=shared) if owner in ("self", "cls", info.node.name):
                    meant = any(_COMMON.search(text.lower()) for text in (name, shared))
                    if len(values) == 1 and shared in made and len(info.attributes[shared]) == 1 and not meant:
                        found[name] = made[shared]
    return found


def _bodies(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """The names that a class body binds, but for those that it says to be the class's own (`ClassVar`)."""
    for statement in body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), annotation=said, value=ast.expr() as value):
                if "ClassVar" not in ast.unparse(said):
                    yield name, value


def _is_container(value: ast.expr) -> bool:
    made = isinstance(value, ast.Call) and last_name(value.func) in _MADE
    return made or isinstance(value, ast.List | ast.Dict | ast.Set)


def _own(info: ClassInfo) -> set[str]:
    return {name for name, values in info.attributes.items() if len(values) == 1}


def _tables(info: ClassInfo) -> Iterator[tuple[str, ast.expr]]:
    """The dictionaries with entries that only the class body binds."""
    for statement in info.node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=[_, *_]) as value) if name in _own(info):
                yield name, value


def _shared(info: ClassInfo) -> Iterator[tuple[str, ast.expr]]:
    """The attributes that only the class body binds, each to a new container."""
    for name, value in _bodies(info.node.body):
        made = isinstance(value, ast.Call) and last_name(value.func) in _MADE and not value.args
        empty = (isinstance(value, ast.List) and not value.elts) or (isinstance(value, ast.Dict) and not value.keys)
        if (made or empty) and all(one is value for one in info.attributes.get(name, ())):
            yield name, value


def _meant(facts: Facts, info: ClassInfo, name: str) -> bool:
    """Whether a class means to share an attribute: by its name, or by uses through the class."""
    if name.startswith("__") or name.isupper() or _COMMON.search(name.lower()):
        return True
    text = facts.source.text
    through = (f"cls.{name}", f"{info.node.name}.{name}", f"__class__.{name}", f"type(self).{name}")
    return any(one in text for one in through)


def _plain(facts: Facts, info: ClassInfo) -> bool:
    """Whether instances find the attribute in the class: other bases may copy it for each of them."""
    if info.node.keywords or info.node.decorator_list:
        return False
    bases = facts.program.bases(info)
    return all(isinstance(base, ClassInfo) or base in _PLAIN_BASES for base in bases)


def _written(node: ast.AST, methods: frozenset[str] = _GROWING) -> str:
    """The attribute of self that a statement adds to, or that one of the methods is called on."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=name), attr=method)):
            return name if method in methods else ""
        case ast.AugAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), op=ast.Add()):
            return name
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id="self"), attr=name), ctx=ast.Store()):
            return name
    return ""


RULE = Rule(
    name="class-value-written",
    code="TN506",
    sentence="an instance writes no container that belongs to its class",
    reason="A value in the body of a class is made once. All instances share it, so what one adds the others find.",
    wrong="""\
class Account:
    history = []
    def pay(self, amount):
        self.history.append(amount)
""",
    right="""\
class Account:
    def __init__(self):
        self.history = []
    def pay(self, amount):
        self.history.append(amount)
""",
    help="make it in `__init__`: `self.name = []`",
    check=_check,
)
