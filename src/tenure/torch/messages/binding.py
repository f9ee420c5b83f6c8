"""PyTorch's complaint about the arguments of a call that failed: what its argument parser says of them.

A call that fails is compared with PyTorch's signatures (``signatures.txt``, which ``tools/torch_signatures.py``
writes); one that they do not take raises what PyTorch raises before it computes anything. Calls that succeed pay
nothing. Source: ``torch/csrc/utils/python_arg_parser.cpp`` and ``invalid_arguments.cpp``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from tenure.values.tensor.tensor import Tensor

KINDS = {
    "Tensor": "Tensor", "Scalar": "Number", "int64_t": "int", "SymInt": "int", "double": "float", "bool": "bool",
    "TensorList": "tuple of Tensors", "IntArrayRef": "tuple of ints", "SymIntArrayRef": "tuple of ints",
    "ArrayRef<double>": "tuple of floats", "ArrayRef<Scalar>": "tuple of Scalars", "Generator": "torch.Generator",
    "PyObject*": "object", "ScalarType": "torch.dtype", "Layout": "torch.layout",
    "MemoryFormat": "torch.memory_format", "Device": "torch.device", "c10::string_view": "str",
    "std::string": "str", "Dimname": "name", "DimnameList": "tuple of names", "Storage": "torch.Storage",
    "Stream": "torch.Stream", "complex": "complex",
}  # fmt: skip
"""PyTorch's words for the types of its signatures."""
NUMBERS = {"add", "div", "divide", "mul", "multiply", "sub", "subtract", "true_divide", "floor_divide"}
"""Functions that take a number where their signature says a tensor."""
ALIASES = {"dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",)}
"""NumPy's names of parameters, which PyTorch takes too."""
PARAMETER = re.compile(r"([\w:*<>]+?)(?:\[(\d+)\])?(\?)? (\w+)(?:=(.+))?$")


class Parameter(NamedTuple):
    """A parameter of a signature; ``size`` is that of a tuple for which one number may stand, else 0."""

    kind: str
    name: str
    size: int
    is_none_allowed: bool
    default: str | None
    by_keyword: bool


class Signature(NamedTuple):
    """One way to call a function."""

    name: str
    parameters: tuple[Parameter, ...]
    is_older: bool

    @property
    def positional(self) -> int:
        """Number of parameters that may be given by position."""
        return sum(not p.by_keyword for p in self.parameters)

    @property
    def least(self) -> int:
        """Least number of arguments."""
        return sum(p.default is None for p in self.parameters)

    @property
    def most(self) -> int:
        """Largest number of arguments."""
        return len(self.parameters)

    def __str__(self) -> str:
        shown, by_keyword = [], False
        for p in self.parameters:
            if p.by_keyword and not by_keyword:
                shown.append("*")
                by_keyword = True
            shown.append(f"{p.kind} {p.name}" + ("" if p.default is None else f" = {p.default}"))
        return f"({', '.join(shown)})"


@functools.cache
def table() -> dict[str, list[Signature]]:
    """All signatures, by the name of a function, or by that of a method behind a dot; older forms last."""
    found: dict[str, list[Signature]] = {}
    text = files("tenure.torch.messages").joinpath("signatures.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        key, _, rest = line.partition("(")
        if key.isidentifier() or key.removeprefix("F.").lstrip(".").isidentifier():
            found.setdefault(key, []).append(read(key.removeprefix("F.").lstrip("."), rest))
    return {key: sorted(forms, key=lambda s: s.is_older) for key, forms in found.items()}


@functools.cache
def sentences() -> dict[str, str]:
    """Complaints, by function, about a first argument that is no tensor: of functions that PyTorch writes in Python."""
    text = files("tenure.torch.messages").joinpath("signatures.txt").read_text(encoding="utf-8")
    return dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line.partition("(")[0])


def read(name: str, text: str) -> Signature:
    """A signature of a line of the table."""
    inside, _, remark = text.rpartition(")")
    parameters, by_keyword = [], False
    for part in re.split(r", (?![^<]*>)", inside) if inside else ():
        if part == "*":
            by_keyword = True
            continue
        m = PARAMETER.match(part)
        assert m is not None, text
        is_none_allowed = bool(m[3]) or m[5] == "None"
        parameters.append(Parameter(KINDS.get(m[1], "object"), m[4], int(m[2] or 0), is_none_allowed, m[5], by_keyword))
    return Signature(name, tuple(parameters), bool(remark))


def complaint(key: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """PyTorch's complaint about the arguments of a function, or of a method (``.name``); None where it takes them, or
    where nothing is known of it."""
    forms = table().get(key)
    if forms is None:
        said = sentences().get(key)
        is_tensor = not args or isinstance(args[0], Tensor)
        return None if said is None or is_tensor else said.replace("{}", kind(args[0]))
    refusals = [objection(form, args, kwargs) for form in forms]
    if None in refusals:
        return unpacked(forms[refusals.index(None)], args, kwargs)
    count = len(args) + len(kwargs)
    plausible = [k for k, form in enumerate(forms) if form.least <= count <= form.most and not form.is_older]
    if len(forms) == 1 or len(plausible) == 1:
        return refusals[plausible[0] if plausible else 0]
    said = f"{forms[0].name}() received an invalid combination of arguments - got "
    options = [form for form in forms if not form.is_older]
    if len(options) == 1:
        return f"{said}{against(options[0], args, kwargs)}, but expected {options[0]}"
    shown = "".join(f" * {form}\n" for form in options)
    return f"{said}{kinds(args, kwargs)}, but expected one of:\n{shown}"


def kinds(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The kinds of the arguments that were given."""
    shown = [kind(x) for x in args]
    named = "".join(f"{name}={kind(x)}, " for name, x in kwargs.items())
    text = "".join(f"{one}, " for one in shown) + named
    return f"({text[:-2] if args else text})"


def against(form: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The kinds of the arguments beside the only form there is, which counts its star; marked are those of others."""
    if not form.least <= len(args) + len(kwargs) <= len(str(form).split(", ")):
        return kinds(args, kwargs)
    wanted = [part.split()[0] for part in str(form)[1:].split(", ")]
    given = [*zip(args, wanted, strict=False), *[(x, "") for x in kwargs.values()]]
    return f"({', '.join([kind(x) if kind(x) == of else f'!{kind(x)}!' for x, of in given])})"


def unpacked(form: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Complaint about the elements of an argument that a signature takes: only the first is looked at before."""
    for k, p in enumerate(form.parameters):
        x = args[k] if k < len(args) else kwargs.get(p.name)
        if k == 0 and p.kind == "tuple of ints" and is_whole(x) and len(args) > 1 and form.positional == 1:
            x = args
        if not isinstance(x, list | tuple):
            continue
        if p.kind == "tuple of Tensors":
            wrong = next((v for v in x if not isinstance(v, Tensor)), None)
            at = next((n for n, v in enumerate(x) if v is wrong), 0)
            if wrong is not None:
                return f"expected Tensor as element {at} in argument {k}, but got {kind(wrong)}"
        if p.kind == "tuple of ints":
            wrong = next((n for n, v in enumerate(x) if not is_whole(v)), None)
            if wrong is not None:
                said = f"{form.name}(): argument '{p.name}' failed to unpack the object at pos {wrong + 1}"
                return f'{said} with error "type must be {p.kind},but got {kind(x[wrong])}"'
    return None


def objection(form: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Complaint about some arguments for one signature; None where it takes them."""
    name, at, left = form.name, 0, dict(kwargs)
    is_spread = form.positional == 1 and form.parameters[0].kind == "tuple of ints"
    if len(args) > form.positional and not is_spread:
        return too_many(form, len(args))
    for k, p in enumerate(form.parameters):
        by_keyword = at >= len(args)
        if not by_keyword and p.by_keyword:
            return too_many(form, len(args))
        found = args[at] if not by_keyword else taken(p.name, left)
        if found is ABSENT:
            if p.default is None:
                missing = [f'"{later.name}"' for later in form.parameters[k:] if later.default is None]
                end = "s" if len(missing) == 1 else ""
                return f"{name}() missing {len(missing)} required positional argument{end}: {', '.join(missing)}"
            continue
        if not (found is None and p.is_none_allowed):
            if is_spread and at == 0 and not by_keyword and not isinstance(found, list | tuple) and is_whole(found):
                found, at = tuple(args), len(args)
            wrong = refusal(p, name, found, None if by_keyword else max(at, 1) if at == len(args) else at + 1)
            if wrong is not None:
                return wrong
        at += not by_keyword and at < len(args)
    unknown = [n for n in left if n not in [p.name for p in form.parameters]]
    if unknown:
        return f"{name}() got an unexpected keyword argument '{unknown[0]}'"
    return f"{name}() got multiple values for argument '{min(left)}'" if left else None


ABSENT = object()


def taken(name: str, left: dict[str, Any]) -> Any:
    """An argument that was given by a name, or by NumPy's for it, taken out of those that are left."""
    return next((left.pop(n) for n in (name, *ALIASES.get(name, ())) if n in left), ABSENT)


def too_many(form: Signature, given: int) -> str:
    """The complaint of more arguments by position than there may be."""
    most, least = form.positional, form.least
    if least != most:
        return f"{form.name}() takes from {least} to {most} positional arguments but {given} were given"
    end, were = "" if most == 1 else "s", "was" if given == 1 else "were"
    return f"{form.name}() takes {most} positional argument{end} but {given} {were} given"


def refusal(p: Parameter, name: str, x: Any, position: int | None) -> str | None:
    """Complaint about one argument; None where it is taken."""
    where = f"{name}(): argument '{p.name}'" + ("" if position is None else f" (position {position})")
    if not takes(p, name, x):
        if p.kind == "tuple of ints" and isinstance(x, list | tuple) and position is not None:
            return f"{where} must be {p.kind}, but found element of type {kind(x[0])} at pos 0"
        return f"{where} must be {p.kind}, not {kind(x)}"
    return None


def takes(p: Parameter, name: str, x: Any) -> bool:
    """Whether a parameter takes an argument."""
    if x is None:
        return p.is_none_allowed
    if p.kind == "Tensor" and name.rstrip("_") in NUMBERS and p.name != "input":
        return isinstance(x, Tensor) or is_number(x)
    if p.kind == "tuple of ints" and not isinstance(x, list | tuple):
        return p.size > 0 and is_whole(x)
    return CHECKS.get(p.kind, lambda x: True)(x)


def is_scalar(x: Any) -> bool:
    """Whether something is a tensor without axes that does not require grad."""
    return isinstance(x, Tensor) and not x._aval.shape and not x.requires_grad


def is_whole(x: Any) -> bool:
    """Whether something stands for a whole number."""
    if isinstance(x, Tensor):
        return is_scalar(x) and x._aval.dtype.kind in "iu"
    return isinstance(x, int | np.integer) and not isinstance(x, bool)


def is_number(x: Any) -> bool:
    """Whether something is a number of Python's or NumPy's."""
    return isinstance(x, int | float | complex | np.number | np.bool_)


def is_float(x: Any) -> bool:
    """Whether something stands for a float."""
    return isinstance(x, int | float | np.floating | np.integer) or is_scalar(x)


CHECKS: dict[str, Callable[[Any], bool]] = {
    "Tensor": lambda x: isinstance(x, Tensor),
    "Number": lambda x: is_number(x) or is_scalar(x),
    "complex": lambda x: is_number(x) or is_scalar(x),
    "float": is_float,
    "int": is_whole,
    "bool": lambda x: isinstance(x, bool | np.bool_),
    "tuple of Tensors": lambda x: isinstance(x, list | tuple),
    "tuple of ints": lambda x: not len(x) or is_whole(x[0]),
    "tuple of floats": lambda x: isinstance(x, list | tuple) and all(is_float(v) for v in x),
    "tuple of Scalars": lambda x: isinstance(x, list | tuple) and all(is_number(v) or is_scalar(v) for v in x),
    "torch.dtype": lambda x: kind(x) == "torch.dtype" or x in (float, int, bool, complex) or is_home_dtype(x),
    "torch.layout": lambda x: kind(x) == "torch.layout",
    "torch.memory_format": lambda x: kind(x) == "torch.memory_format",
    "torch.Generator": lambda x: type(x).__name__ == "Generator",
    "torch.device": lambda x: isinstance(x, str | int) or type(x).__name__ == "device",
    "str": lambda x: isinstance(x, str),
}
"""Whether a kind takes an argument that is not None; a kind that is not here takes any."""


def is_home_dtype(x: Any) -> bool:
    """Whether something is a dtype as home code has it: one that was accepted."""
    return type(x).__name__ == "DType"


def kind(x: Any) -> str:
    """Name of the type of an argument, as C code sees it."""
    of: Any = type(x)
    if isinstance(x, Tensor):
        return of.__name__ if of.__module__ != "tenure.values.tensor.tensor" else "Tensor"
    if isinstance(x, np.ndarray | np.generic):
        return f"numpy.{of.__name__}"
    return f"torch.{of.__name__}" if of.__module__ in ("torch", "tenure.torch.dtypes") else str(of.__name__)
