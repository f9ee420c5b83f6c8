"""Which bodies are worth running: those that write to something, and lend something too."""

import ast

__all__ = ["worth_running"]


def worth_running(node: ast.AST) -> bool:
    """Whether a body holds a write other than to a name of its own."""
    body = getattr(node, "body", [])
    stack: list[ast.AST] = list(body) if isinstance(body, list) else [body]
    while stack:
        at = stack.pop()
        if isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(at, ast.AugAssign | ast.Delete | ast.For | ast.With):
            return True
        if isinstance(at, ast.Subscript | ast.Attribute) and isinstance(at.ctx, ast.Store):
            return True
        if isinstance(at, ast.Expr) and isinstance(at.value, ast.Call):
            return True
        if isinstance(at, ast.Call) and isinstance(at.func, ast.Attribute) and at.func.attr.endswith("_"):
            return True
        stack += ast.iter_child_nodes(at)
    return False
