"""Frames that a function is given, and gives columns, though it works something else out of them.

    def rates(df: pd.DataFrame):                def fit(self, data: pd.DataFrame):
        df["rate"] = df["n"] / df["total"]          data["label"] = data["label"].map(self.codes)
        return df["rate"].mean()                    self.table = data.groupby("label").mean()
"""

import ast
import re
from collections.abc import Iterator

from tenure.check.analysis.unasked import means_to_change
from tenure.check.facts import Facts
from tenure.check.scope import Scope, bound_names, decorator_names, parameters

__all__ = ["frames_written"]

_FRAME = "pandas.DataFrame"
_PLACES = frozenset(("loc", "iloc", "at", "iat"))
_CONVENTIONAL = frozenset(("fit", "transform", "predict", "predict_proba", "score", "fit_predict"))
"""Methods that leave their arguments alone by convention."""

_SAME = frozenset(
    ("copy", "reset_index", "set_index", "sort_values", "sort_index", "dropna", "fillna", "drop", "rename", "assign",
     "astype", "query", "merge", "join", "pipe", "head", "tail", "replace", "drop_duplicates", "reindex")
)  # fmt: skip
"""Methods that give the frame itself, but for its order, names and some rows."""

_FRAMES = re.compile(r"(\w+_)?df\d?|data_?frame")
_NEVER = re.compile(r"^_|^test|inplace|(^|_)(add|set|update|fill|assign|clean|fix|mark|flag|apply)", re.IGNORECASE)


def frames_written(facts: Facts) -> Iterator[tuple[ast.AST, ast.arg]]:
    """The first statement by which a function writes a frame that it was given, with the parameter."""
    if not facts.whole or "pandas" not in facts.module.libraries:
        return
    for scope in facts.scopes:
        node = scope.node
        if not isinstance(node, ast.FunctionDef) or not _is_open(facts, node):
            continue
        bound: set[str] | None = None
        for given in parameters(node):
            if _is_frame(facts, given) and (found := _written(scope, given.arg)) is not None:
                bound = bound_names(node.body) if bound is None else bound
                own = given.arg in bound - {_only_later(scope, given.arg, found)}
                if not own and _works_out(facts, scope, given.arg):
                    yield found, given


def _is_open(facts: Facts, node: ast.FunctionDef) -> bool:
    """Whether a function is of the module or a method, and there to be called by others."""
    owner = facts.owner_of(node)
    outer = owner is not None or node in facts.source.tree.body
    return outer and not decorator_names(node) - {"staticmethod", "classmethod"} and not _NEVER.search(node.name)


def _is_frame(facts: Facts, given: ast.arg) -> bool:
    if given.annotation is not None:
        return facts.program.resolve(facts.module, given.annotation) == _FRAME
    return _FRAMES.fullmatch(given.arg) is not None


def _written(scope: Scope, name: str) -> ast.AST | None:
    """The first store into a column or a part of a frame."""
    for node in sorted(scope.of(ast.Subscript), key=lambda one: (one.lineno, one.col_offset)):
        match node:
            case ast.Subscript(value=ast.Name(id=of), ctx=ast.Store()) if of == name:
                return node
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=of), attr=at), ctx=ast.Store()):
                if of == name and at in _PLACES:
                    return node
    return None


def _only_later(scope: Scope, name: str, written: ast.AST) -> str:
    """The name itself, where it is bound anew only behind the write."""
    stores = [one.lineno for one in scope.of(ast.Name) if one.id == name and isinstance(one.ctx, ast.Store)]
    return name if all(line > getattr(written, "lineno", 0) for line in stores) else ""


def _works_out(facts: Facts, scope: Scope, name: str) -> bool:
    """Whether a function gives back something else than the frame, or leaves its arguments alone by convention."""
    node = scope.node
    assert isinstance(node, ast.FunctionDef)
    if facts.owner_of(node) is not None and node.name in _CONVENTIONAL:
        return True
    returned = [one.value for one in scope.of(ast.Return) if one.value is not None]
    if not returned or means_to_change(node.name, name):
        return False
    parts = [part for one in returned for part in (one.elts if isinstance(one, ast.Tuple) else [one])]
    made = {one.targets[0].id: one.value for one in scope.of(ast.Assign) if isinstance(one.targets[0], ast.Name)}
    shown = [made.get(one.id, one) if isinstance(one, ast.Name) and one.id != name else one for one in parts]
    return not any(_is_of(one, name) for one in shown) and not all(isinstance(one, ast.Constant) for one in parts)


def _is_of(node: ast.expr, name: str) -> bool:
    """Whether an expression is the frame, has it as a part, or is the frame in another order or with other names."""
    match node:
        case ast.Name(id=own):
            return own == name
        case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in _SAME and _is_of(value, name):
            return True
        case ast.Call(args=given, keywords=named):
            return any(_is_of(one, name) for one in (*given, *(one.value for one in named)))
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Dict(values=parts):
            return any(_is_of(one, name) for one in parts)
    return False
