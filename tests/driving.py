"""Good calls of every public function, and the same calls with one argument replaced by something wrong."""

from __future__ import annotations

import ast
import copy
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

import tenure as tn
from tenure import data, func, nn, optim
from tenure.nn import functional

TEXT = Path(__file__).with_name("good_calls.txt").read_text(encoding="utf-8")
WRITTEN = [line for line in TEXT.splitlines()[1:] if line and not line.startswith("#")]


def methods(line: str) -> Iterator[str]:
    """The calls of methods of values, places and borrows that say the same as a call of a function.

    ``where`` as a method takes the condition second.
    """
    call = ast.parse(line, mode="eval").body
    if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("tn.") and call.args:
        name, first = ast.unparse(call.func)[3:], ast.unparse(call.args[0])
        rest = ", ".join(map(ast.unparse, [*call.args[1:], *call.keywords]))
        if first in ("x", "b") and callable(getattr(tn.Tensor, name, None)) and name != "where":
            yield f"{first}.{name}({rest})"
        if first == "x" and hasattr(tn.Var, f"{name}_") and name not in UNSHAPED:
            yield f"v.{name}_({rest})"
            yield f"v.data.{name}_({rest})"
        if first == "x" and hasattr(tn, f"{name}_"):
            yield f"tn.{name}_(v{', ' * bool(rest)}{rest})"


UNSHAPED = ("squeeze", "unsqueeze", "transpose", "swapaxes", "t", "detach")
"""What a place does not do to itself."""
GOOD = list(dict.fromkeys([*WRITTEN, *[made for line in WRITTEN for made in methods(line)]]))


def typed(x: tn.Ref[Any]) -> Any:
    """A function that says what it does with its argument."""
    return x * 2


def _matrix() -> Any:
    return tn.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def _file(save: Any, x: Any) -> io.BytesIO:
    """What is written, at its start."""
    f = io.BytesIO()
    save(x, f)
    f.seek(0)
    return f


MADE: dict[str, Callable[[], Any]] = {
    "x": _matrix,
    "y": lambda: _matrix() * 0.5,
    "m": lambda: tn.eye(3),
    "v": lambda: _matrix().mut(),
    "w": lambda: tn.tensor([1.0, 2.0], requires_grad=True),
    "k": lambda: tn.arange(3),
    "b": lambda: _matrix() > 2,
    "r": lambda: tn.tensor([0, 1]),
    "i": lambda: tn.tensor([[0, 1, 2], [2, 1, 0]]),
    "mask": lambda: tn.tensor([False, True, True]),
    "n": lambda: np.ones((2, 3), np.float32),
    "g": lambda: tn.Generator(1),
    "state": lambda: tn.Generator(1).get_state(),
    "f": lambda: lambda z: (z * z).sum(),
    "one": lambda: tn.tensor(1.0),
    "p": lambda: tn.tensor([0.2, 1.0, 0.5]),
    "pull": lambda: tn.vjp(lambda z: (z * z).sum(), _matrix())[1],
    "line": lambda: nn.Linear(3, 3),
    "z": lambda: tn.zeros(2),
    "z3": lambda: tn.zeros(3).mut(),
    "o3": lambda: tn.ones(3).mut(),
    "b2": lambda: tn.tensor([[True, False], [True, True]]),
    "image": lambda: tn.ones(2, 3, 2, 2),
    "q": lambda: tn.ones(2, 1, 4),
    "h1": lambda: tn.zeros(1, 2),
    "h2": lambda: tn.zeros(2, 2),
    "opt": lambda: optim.SGD([tn.ones(2, requires_grad=True)], lr=0.1, momentum=0.9),
    "rows": lambda: data.TensorDataset(_matrix()),
    "out": io.BytesIO,
    "saved": lambda: _file(tn.save, {"x": _matrix()}),
    "run": lambda: _file(lambda x, f: tn.save_checkpoint(f, line=x), nn.Linear(3, 3)),
    "safe": lambda: _file(tn.io.save_file, {"x": _matrix()}),
    "npz": lambda: _file(lambda x, f: tn.io.save_npz(f, {"x": x}), _matrix()),
    "npy": lambda: _file(lambda x, f: tn.io.save_npy(f, x), _matrix()),
}
"""What the calls speak of, made anew for each."""
FIXED = {
    "tn": tn, "nn": nn, "F": functional, "optim": optim, "data": data, "func": func, "np": np, "typed": typed,
}  # fmt: skip


def context(names: tuple[str, ...]) -> dict[str, Any]:
    """The names that a call uses."""
    out = {**FIXED, **{name: MADE[name]() for name in names if name in MADE}}
    if "loss" in names:
        out["w"] = w = MADE["w"]()
        out["loss"] = (w * w).sum()
    return out


def _own_list() -> list[Any]:
    own: list[Any] = [1.0]
    own.append(own)
    return own


def _deep() -> list[Any]:
    deep: list[Any] = [1.0]
    for _ in range(5000):
        deep = [deep]
    return deep


WRONG: dict[str, Callable[[], Any]] = {
    "'a'": lambda: "a",
    "object()": object,
    "None": lambda: None,
    "[]": list,
    "{}": dict,
    "a function": lambda: lambda *a, **k: 3.0,
    "bytes": lambda: b"a",
    "1j": lambda: 1j,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-1": lambda: -1,
    "0": lambda: 0,
    "-7": lambda: -7,
    "0.5": lambda: 0.5,
    "10**12": lambda: 10**12,
    "1e12": lambda: 1e12,
    "True": lambda: True,
    "2**70": lambda: 2**70,
    "masked array": lambda: np.ma.masked_array([1.0, 2.0], mask=[True, False]),
    "object array": lambda: np.array([1, "a"], dtype=object),
    "structured array": lambda: np.zeros(2, [("a", "f4"), ("b", "i4")]),
    "datetime array": lambda: np.zeros(2, "M8[s]"),
    "text array": lambda: np.array(["a", "b"]),
    "uint8 array": lambda: np.zeros((2, 3), np.uint8),
    "int64 array": lambda: np.array([3_000_000_000]),
    "np.float64": lambda: np.float64(0.25),
    "list in itself": _own_list,
    "deep list": _deep,
    "ragged list": lambda: [[1.0], [1.0, 2.0]],
    "['a']": lambda: ["a"],
    "[None]": lambda: [None],
    "generator": lambda: (k for k in range(3)),
    "set": lambda: {1, 2},
    "range": lambda: range(3),
    "65 axes": lambda: (1,) * 65,
    "(10**12, 10**12)": lambda: (10**12, 10**12),
    "type": lambda: int,
    "module": nn.Tanh,
    "wrong shape": lambda: tn.ones(7),
    "too many axes": lambda: tn.ones(2, 1, 2, 2, 2, 1),
    "0-d": lambda: tn.tensor(0.5),
    "empty": lambda: tn.zeros(0),
    "empty rows": lambda: tn.zeros(0, 3),
    "int tensor": lambda: tn.tensor([[1, 2, 9], [4, -50, 6]]),
    "bool tensor": lambda: tn.tensor([True, False, True]),
    "float64 tensor": lambda: tn.ones(2, 3, dtype=tn.float64),
    "place": lambda: tn.ones(2, 3).mut(),
    "leaf": lambda: tn.ones(2, requires_grad=True),
    "slice": lambda: slice("a", None),
}


@dataclass(frozen=True)
class Site:
    """An argument of a good call: the call's text, the called function, the argument's name or number."""

    line: str
    function: str
    argument: str
    code: CodeType

    def __str__(self) -> str:
        return f"{self.line} | {self.function} {self.argument}"


def _spine(node: ast.AST) -> Iterator[tuple[list[Any], int, Any, str, str]]:
    """The arguments of a call and of the calls that its function comes from: holder, place in it, function, name."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        for k in range(len(node.args)):
            if name != "list" and not (name == "setattr" and k < 2):
                yield (node.args, k, None, name, str(k))
        for kw in node.keywords:
            yield (node.keywords, 0, kw, name, kw.arg or "")
        yield from _spine(node.args[0] if name in ("list", "setattr") else node.func)
    elif isinstance(node, ast.Attribute):
        yield from _spine(node.value)
    elif isinstance(node, ast.Subscript):
        yield (node, 0, "slice", "index", "index")
        yield from _spine(node.value)
    elif isinstance(node, ast.BinOp | ast.Compare):
        yield (node, 0, "left", "operator", "left")
        yield (node, 0, "right", "operator", "right")


def sites(line: str) -> list[Site]:
    """Every argument of a call, with the code in which ``wrong`` stands for it."""
    out = []
    for n in range(len(list(_spine(ast.parse(line, mode="eval").body)))):
        tree = ast.parse(line, mode="eval")
        holder, k, at, function, name = list(_spine(tree.body))[n]
        wrong = ast.Name("wrong", ast.Load())
        if isinstance(at, ast.keyword):
            at.value = wrong
        elif at == "right" and isinstance(holder, ast.Compare):
            holder.comparators[0] = wrong
        elif at is not None:
            setattr(holder, at, wrong)
        else:
            holder[k] = wrong
        code = compile(ast.fix_missing_locations(tree), "<driven>", "eval")
        out.append(Site(line, function, name, code))
    return out


def read(result: Any) -> None:
    """Read the numbers of what a call gave."""
    if isinstance(result, tn.Tensor):
        result.detach().tolist()
    elif isinstance(result, list | tuple) and len(result) < 50:
        for x in result:
            if x is not result and not isinstance(x, list):
                read(x)


def drive(site: Site, wrong: Any) -> BaseException | None:
    """The error of a call, made or read later; None if there is none."""
    try:
        read(eval(site.code, {**context(site.code.co_names), "wrong": wrong}))
    except Exception as error:
        return copy.copy(error) if isinstance(error, tn.TenureError) else error
    return None


OF_INNER = (
    "object has no attribute", "unhashable", "not supported between", "unsupported operand", "NoneType",
    "ambiguous", "not iterable", "not subscriptable", "not callable", "Operands must be", "can't multiply", "LLVM",
    "cannot unpack", "recursion", "broadcast input", "array must be", "concatenate", "must be real number",
    "cannot be interpreted", "invalid literal",
)  # fmt: skip
"""What Python and NumPy say of inner functions."""


DATA_SETS = ("{}", "[]", "['a']", "[None]", "np.float64", "type", "masked array", "int64 array")
READERS = ("load_file", "load_npz", "load_npy", "safe_open")
EXEMPT = {
    ("optim.SGD([w]).step", "module"),
    ("optim.LBFGS([w]).step", "module"),
    *[("data.DataLoader", name) for name in DATA_SETS],
    *[(f"tn.{name}", "'a'") for name in ("load", "load_checkpoint", *[f"io.{n}" for n in READERS])],
}
"""What is not driven: so many layers take long to make; a module is a closure, these are data sets of their own, and
there is no file of that name."""
ALIAS = {"line.add_module": "register_module", "setattr": "parameter", "index": "indices"}
"""By which names a function may be called besides its own."""


def raised_by_user(error: BaseException) -> bool:
    """Whether a function of these calls has raised an error itself."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and at.tb_frame.f_code.co_name in ("<lambda>", "typed")


def fault(site: Site, error: BaseException) -> str | None:
    """What is wrong with an error; None if it is one of a law, or names the function that was called."""
    text = str(error.args[0]) if error.args else ""
    if site.function == "operator" or raised_by_user(error):
        return None  # what is no operand is Python's error, and that of a user's function the user's
    if isinstance(error, tn.TenureError) and not isinstance(error, tn.InternalError):
        return "speaks of something inner" if any(words in error.message for words in OF_INNER) else None
    if not isinstance(error, TypeError | ValueError | IndexError | KeyError | AttributeError | BufferError):
        return f"is a {type(error).__name__}"
    if any(words in text for words in OF_INNER):
        return "speaks of something inner"
    whole = f"{site.line} {ALIAS.get(site.function, '')}("
    names = [name.strip("_") for name in re.findall(r"(\w+)\(", whole)]
    if not any(name and name in text for name in names):
        return "does not name the function"
    return None
