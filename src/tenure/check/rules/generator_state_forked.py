"""The rule generator-state-forked (TN382)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.program import ClassInfo
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import last_name, parameters
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


_MAKERS = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random", "torch.Generator")


_SEEDING = frozenset(("seed", "manual_seed", "setstate", "set_state", "get_worker_info"))
"""Calls by which a method gives each worker a state of its own."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    words = ("drawn here, in each worker", "made once, here", "the workers start here")
    message = "every worker draws the same numbers: the generator is copied with the dataset"
    return reports_of(facts, RULE, _events(facts), message, words)


def _events(facts: Facts) -> Iterator[Event]:
    if "num_workers" not in facts.source.text:
        return
    loaders = [node for node in facts.nodes(ast.Call) if _has_workers(facts, node)]
    if not loaders:
        return
    for info in facts.module.classes.values():
        if not any(str(base).endswith("Dataset") for base in facts.program.bases(info)):
            continue
        for name, method in info.methods.items():
            if name in ("__getitem__", "__iter__", "__getitems__"):
                for use, made in (*_uses(facts, info, method.node), *_by_transforms(facts, info)):
                    yield Event(facts.source.path, RULE.name, (use, made, loaders[0]))
                    break


def _by_transforms(facts: Facts, info: ClassInfo) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Draws of the objects that a data set makes and gives its generator."""
    scope = facts.module.body.scopes[info.node]
    if any(last_name(call.func) in _SEEDING for call in scope.everywhere(ast.Call)):
        return
    for call in scope.everywhere(ast.Call):
        helper = facts.module.classes.get(call.func.id) if isinstance(call.func, ast.Name) else None
        init = None if helper is None else helper.methods.get("__init__")
        if helper is None or init is None:
            continue
        names = [one.arg for one in parameters(init.node)[1:]]
        for name, given in [*zip(names, call.args, strict=False), *((one.arg, one.value) for one in call.keywords)]:
            made = _generator(facts, info, given)
            kept = [attribute for attribute, one in helper.given.items() if one.parameter == name]
            for draw in facts.module.body.scopes[helper.node].everywhere(ast.Call) if made is not None and kept else ():
                match draw.func:
                    case ast.Attribute(value=ast.Attribute(value=ast.Name(id="self"), attr=own)) if own in kept:
                        yield draw, made  # type: ignore[misc]


def _generator(facts: Facts, info: ClassInfo, given: ast.expr) -> ast.expr | None:
    """The call that makes a generator: the expression itself, or what an attribute of the data set is bound to."""
    own = info.attributes.get(given.attr, []) if isinstance(given, ast.Attribute) else [given]
    made = own[0] if len(own) == 1 else None
    known = isinstance(made, ast.Call) and facts.program.resolve(facts.module, made.func) in _MAKERS
    return made if known else None


def _uses(facts: Facts, info: ClassInfo, method: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    called = {node.func.attr for node in ast.walk(method)
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}  # fmt: skip
    if called & _SEEDING:
        return
    for node in ast.walk(method):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Name(), attr=name))):
                given = info.attributes.get(name, [])
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
                given = facts.module.values.get(name, [])
            case _:
                continue
        for made in given:
            if isinstance(made, ast.Call) and facts.program.resolve(facts.module, made.func) in _MAKERS:
                yield node, made


def _has_workers(facts: Facts, node: ast.Call) -> bool:
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    workers = given.get("num_workers")
    if workers is None or "worker_init_fn" in given:
        return False
    if isinstance(workers, ast.Constant) and not workers.value:
        return False
    return facts.program.resolve(facts.module, node.func) == "torch.utils.data.DataLoader"


RULE = Rule(
    name="generator-state-forked",
    code="TN382",
    sentence="a random generator is not copied into several workers",
    reason=(
        "Worker processes start with a copy of the dataset. A generator in it starts everywhere in the same "
        "state, so all workers draw the same numbers."
    ),
    wrong="""\
import numpy as np
from torch.utils.data import DataLoader, Dataset
class Noise(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(0)
    def __getitem__(self, i):
        return self.rng.integers(10)
loader = DataLoader(Noise(), num_workers=2)
""",
    right="""\
import numpy as np
from torch.utils.data import DataLoader, Dataset
class Noise(Dataset):
    def __getitem__(self, i):
        return np.random.default_rng([0, i]).integers(10)
loader = DataLoader(Noise(), num_workers=2)
""",
    help="seed by index, `np.random.default_rng([seed, i])`, or per worker in `worker_init_fn`",
    check=_check,
)
