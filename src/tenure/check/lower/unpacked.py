"""One function over a display, unpacked at once: `a, b = map(f, (x, y))` is `a, b = f(x), f(y)`.

So are `a, b = [f(v) for v in (x, y)]` and `a, b = (f(v) for v in (x, y))`.
"""

import ast

__all__ = ["unpacked"]

_DISPLAYS = (ast.Tuple, ast.List)


def unpacked(node: ast.Assign) -> ast.expr:
    """The value of an assignment: the calls one by one, where its target takes their results apart."""
    match node.value:
        case ast.Call(func=ast.Name(id="map"), args=[function, over], keywords=[]):
            keywords: list[ast.keyword] = []
        case ast.ListComp(elt=element, generators=[one]) | ast.GeneratorExp(elt=element, generators=[one]):
            match element, one:
                case (
                    ast.Call(func=function, args=[ast.Name(id=given)], keywords=keywords),
                    ast.comprehension(target=ast.Name(id=name), iter=over, ifs=[]),
                ) if given == name and not _reads(name, function, *(part.value for part in keywords)):
                    pass
                case _:
                    return node.value
        case _:
            return node.value
    targets, parts = (one.elts if isinstance(one, _DISPLAYS) else [] for one in (node.targets[-1], over))
    starred = any(isinstance(one, ast.Starred) for one in (*parts, *targets))
    if len(node.targets) > 1 or len(parts) != len(targets) or starred:
        return node.value
    calls: list[ast.expr] = [ast.copy_location(ast.Call(function, [one], keywords), one) for one in parts]
    return ast.copy_location(ast.Tuple(calls, ast.Load()), node.value) if calls else node.value


def _reads(name: str, *parts: ast.expr) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for part in parts for one in ast.walk(part))
