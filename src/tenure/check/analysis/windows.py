"""Views of which several elements are one cell of memory: expanded arrays, and windows that overlap."""

import ast

__all__ = ["overlapping"]

_EXPANDING = frozenset(("expand", "expand_as", "broadcast_to", "broadcast_tensors"))


def overlapping(name: str, node: ast.AST) -> bool:
    """Whether a call makes such a view, as far as its arguments show."""
    if name in _EXPANDING or name == "sliding_window_view":
        return True
    if not isinstance(node, ast.Call):
        return False
    if name == "as_strided":
        given = [*node.args[-1:], *(one.value for one in node.keywords if one.arg in ("strides", "stride"))]
        return any(_step_alike(one) for one in given)
    if name == "unfold":
        numbers = [one.value for one in node.args[-2:] if isinstance(one, ast.Constant)]
        match numbers:
            case [int(size), int(step)]:
                return step < size
    return False


def _step_alike(strides: ast.expr) -> bool:
    """Whether two axes have the same stride: `as_strided(x, shape, (s, s))`."""
    steps = list(map(ast.unparse, strides.elts)) if isinstance(strides, ast.Tuple | ast.List) else []
    return len(set(steps)) < len(steps)
