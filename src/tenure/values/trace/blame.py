"""Argument errors, with the name of the public function and of the argument that the user gave.

Arguments are checked by their annotations. ``@public`` does so only after something inside has failed, so that a call
that works costs one more frame; ``@checked_first`` does so before the call, for functions that are called seldom.
"""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, NoReturn, TypeVar

import numpy as np

from tenure.dtypes import as_dtype
from tenure.errors import DTypeError, OutOfMemory, OutOfRange, ShapeError, TenureError, shown
from tenure.report.frames import is_own
from tenure.values.rules.sites import PACKAGE, here, site
from tenure.values.trace import record

F = TypeVar("F", bound=Callable[..., Any])
Check = Callable[[Any], bool]


def is_whole(x: Any) -> bool:
    """Whether an argument is an int, a NumPy integer or a tensor of one."""
    if isinstance(x, record._Tensor):
        return bool(x._aval.dtype.kind in "iu" and x._aval.size == 1)
    return hasattr(type(x), "__index__") and not isinstance(x, bool | np.bool_ | np.ndarray)


def is_number(x: Any) -> bool:
    """Whether an argument is a real number, or a tensor of one."""
    if isinstance(x, record._Tensor):
        return bool(x._aval.size == 1)
    return isinstance(x, bool | int | float) or (isinstance(x, np.generic) and x.dtype.kind in "biuf")


def is_flag(x: Any) -> bool:
    """Whether an argument is True or False, or 0 or 1."""
    return isinstance(x, bool | np.bool_) or (isinstance(x, int) and x in (0, 1))


def is_sequence(x: Any) -> bool:
    """Whether an argument is a list or something like it."""
    if isinstance(x, record._Tensor | np.ndarray):
        return bool(x.ndim)
    return hasattr(type(x), "__getitem__") and hasattr(type(x), "__len__") and not isinstance(x, str | bytes | Mapping)


def is_iterable(x: Any) -> bool:
    """Whether an argument is iterable."""
    return hasattr(type(x), "__iter__") and not isinstance(x, str | bytes)


def _is_dtype(x: Any) -> bool:
    try:
        as_dtype(x)
    except TenureError:
        return False
    return True


def _several(of: Check) -> Check:
    return lambda x: is_sequence(x) and all(map(of, x))


KINDS: dict[str, tuple[Check, str]] = {
    "None": (lambda x: x is None, "None"),
    "int": (is_whole, "an int"),
    "float": (is_number, "a number"),
    "Rate": (is_number, "a number"),
    "bool": (is_flag, "True or False"),
    "str": (lambda x: isinstance(x, str), "a str"),
    "DTypeLike": (_is_dtype, "a dtype"),
    "Function": (callable, "a function"),
    "Callable": (callable, "a function"),
    "Hook": (callable, "a function"),
    "Sequence": (is_sequence, "a list"),
    "Sequence[int]": (_several(is_whole), "a list of ints"),
    "Sequence[float]": (_several(is_number), "a list of numbers"),
    "tuple[float, float]": (lambda x: _several(is_number)(x) and len(x) == 2, "a pair of numbers"),
    "Iterable": (is_iterable, "a list or an iterator"),
    "Params": (is_iterable, "a list or an iterator"),
    "Mapping": (lambda x: isinstance(x, Mapping), "a dict"),
    "Group": (lambda x: isinstance(x, dict), "a dict"),
    "Axes": (lambda x: x is None or is_whole(x) or (isinstance(x, list | tuple) and all(map(is_whole, x))),
             "an int, several ints or None"),
    "Generator": (lambda x: type(x).__name__ == "Generator" and hasattr(x, "take"), "a tn.Generator"),
    "Module": (lambda x: hasattr(x, "named_modules"), "a Module"),
    "Parameter": (lambda x: isinstance(x, record._Var), "an nn.Parameter"),
}  # fmt: skip
"""Annotations: the check of an argument, and its description in messages."""


def _alternatives(annotation: str) -> list[str]:
    """The parts of a union."""
    parts, depth, start = [], 0, 0
    for k, c in enumerate(annotation):
        depth += (c in "[(") - (c in "])")
        if c == "|" and not depth:
            parts.append(annotation[start:k])
            start = k + 1
    return [part.strip() for part in [*parts, annotation[start:]]]


def _kind(annotation: Any) -> tuple[Check, str] | None:
    """Check and description of an annotation; None where every argument passes."""
    if not isinstance(annotation, str):
        return None
    found = []
    for part in _alternatives(annotation):
        kind = KINDS.get(part) or KINDS.get(part.split("[")[0])
        if kind is None:
            return None
        found.append(kind)
    checks, names = [check for check, _ in found], [name for _, name in found]
    said = " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return (lambda x: any(check(x) for check in checks)), said


@functools.cache
def _parameters(function: Any) -> tuple[inspect.Signature, dict[str, tuple[Check, str] | None]]:
    signature = inspect.signature(function)
    return signature, {name: _kind(p.annotation) for name, p in signature.parameters.items()}


@functools.lru_cache(maxsize=4096)
def _checked(function: Any, count: int, names: tuple[str, ...]) -> tuple[tuple[str, tuple[Check, str], int | str], ...]:
    """Checks of a call of ``count`` arguments by position and others by name: for each argument its name, its kind, and
    where it is found. TypeError where the call does not fit."""
    signature, kinds = _parameters(function)
    out = []
    for name, at in signature.bind(*range(count), **{name: name for name in names}).arguments.items():
        if (kind := kinds[name]) is not None:
            found = at if isinstance(at, tuple) else at.values() if isinstance(at, dict) else (at,)
            out += [(name, kind, k) for k in found]
    return tuple(out)


def refuse_arguments(function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """TN802 for an argument that is not what its annotation says; TypeError where the call does not fit at all."""
    try:
        checks = _checked(function, len(args), tuple(kwargs))
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    for argument, (check, said), at in checks:
        x = args[at] if isinstance(at, int) else kwargs[at]
        if not check(x):
            raise DTypeError(f"{name}: {argument} is {said}, not {shown(x)}")


def name_of(function: Any, args: tuple[Any, ...]) -> str:
    """Name by which the user called a function: the class for a constructor and for a module."""
    if function.__name__ in ("__init__", "forward"):
        return type(args[0]).__name__
    return str(function.__name__)


def _frames(at: TracebackType | None) -> Iterator[TracebackType]:
    while at is not None:
        yield at
        at = at.tb_next


def _is_ours(at: TracebackType) -> bool:
    return is_own(at.tb_frame)


def said_of(error: Exception, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
    """Raise an error inside a public function anew, in terms of its arguments; the error itself if it has a law's code,
    comes from the user's code, or names the function already."""
    inside = list(_frames(error.__traceback__))[1:]
    if isinstance(error, TenureError | NotImplementedError | Warning) or not all(map(_is_ours, inside)):
        raise error
    name = name_of(function, args)
    try:
        bound = _parameters(function)[0].bind(*args, **kwargs).arguments
    except TypeError:  # the call has been refused by Python
        raise error from None
    given = ", ".join(f"{k} = {shown(x)}" for k, x in bound.items() if k != "self")
    if isinstance(error, MemoryError):
        raise OutOfMemory(f"{name}: there is no memory for the result of {given}", at=site(here())) from None
    if inside and isinstance(error, TypeError | ValueError | KeyError | AttributeError) and _is_raised(inside[-1]):
        if name in str(error):
            raise error
        said = getattr(error, SAID, error.args[0])
        found = type(error)(f"{name}: {said}")
        setattr(found, SAID, said)
        raise found from None
    refuse_arguments(function, name, args, kwargs)
    kind: type[TenureError] = {IndexError: OutOfRange, ValueError: ShapeError}.get(type(error), DTypeError)
    raise kind(f"{name} does not take these arguments: {given}") from error


SAID = "said"
"""Attribute of an error with its text before a function's name was put in front."""


def _is_raised(at: TracebackType) -> bool:
    """Whether a line raised its error itself, by ``raise``."""
    code = at.tb_frame.f_code
    if code.co_name == "__getattr__" or not code.co_filename.startswith(PACKAGE):
        return False
    return dis.opname[code.co_code[at.tb_lasti]] == "RAISE_VARARGS"


def public(function: F) -> F:
    """Decorator: errors inside the function are raised in terms of its arguments, by their annotations."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            said_of(error, function, args, kwargs)

    return call  # type: ignore[return-value]


def checked_first(function: F) -> F:
    """Decorator: as ``public``, with the arguments checked before the call."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        refuse_arguments(function, name_of(function, args), args, kwargs)
        try:
            return function(*args, **kwargs)
        except Exception as error:
            said_of(error, function, args, kwargs)

    return call  # type: ignore[return-value]


def check_methods(cls: type, *names: str) -> None:
    """Class decorator: check the arguments of methods that a class of ours defines before each call."""
    if cls.__module__.startswith("tenure."):
        for name in names:
            function = vars(cls).get(name)
            if inspect.isfunction(function):
                setattr(cls, name, checked_first(function))


def publish(cls: type, *names: str) -> None:
    """Class decorator: ``public`` for the methods of a class."""
    for name in names:
        setattr(cls, name, public(vars(cls)[name]))
