"""``tn.checked``: functions whose annotations ``tn.Ref``, ``tn.Mut`` and ``tn.Own`` are kept at run time.

A checked function is called through one of the same signature, whose text is made here:

    def f(x: tn.Ref[tn.Tensor], *rest, scale=1.0): ...

    def made(x, *rest, scale=1.0):
        call = Call(...)

        def inside():
            call.pass_all(("x", x))
            return call.returned(f(call.take("x"), *rest, scale=scale))

        return bracket(call.begin, call.end, inside)

The argument itself is taken out of the call, so that the function alone holds a moved object.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FunctionType
from typing import Any, TypeVar
from weakref import ref

from tenure.errors import DTypeError, shown
from tenure.func.annotations import Plan, of_items, plan_of, rebuilt
from tenure.runtime.bracket import Bracketed, at_once, bracket
from tenure.values.places.lending import PASS, Lender, Walk
from tenure.values.places.loans import Lease
from tenure.values.rules.sites import PACKAGE, here

F = TypeVar("F")
FILE = os.path.join(PACKAGE, "func", "<checked>")
KINDS = inspect.Parameter


def checked(function: F) -> F:
    """Decorator that keeps the annotations ``tn.Ref``, ``tn.Mut`` and ``tn.Own`` of a function, or a class.

    ``tn.Ref``: the argument is lent as shared for the call; writing it is TN594, writing its place TN506. ``tn.Mut``:
    it is a place or a borrow, lent exclusively; passing it twice is TN499, while it is lent as shared TN502, using it
    by another name TN503. ``tn.Own``: it is moved in. In lists, tuples and dicts every tensor is passed so; a list or
    dict is passed as a copy, and what the call does to that is done to it. An argument that is returned is the
    caller's own again. A generator's loans last from the call
    until it ends or is closed; those of an async function or generator from its first step. A function without such
    annotations is returned as it is.

    >>> @tn.checked
    ... def double(v: tn.Mut[tn.Var]) -> None:
    ...     v.mul_(2)
    >>> v = tn.ones(2).mut()
    >>> double(v)
    >>> v
    tensor([2., 2.])
    """
    found = sys._getframe(1)
    return _checked(function, {**found.f_globals, **found.f_locals})  # type: ignore[no-any-return]


def _checked(function: Any, scope: dict[str, Any]) -> Any:
    if isinstance(function, classmethod | staticmethod):
        return type(function)(_checked(function.__func__, scope))
    if isinstance(function, type):
        for name, member in list(vars(function).items()):
            if isinstance(member, FunctionType | classmethod | staticmethod):
                setattr(function, name, _checked(member, {**scope, function.__name__: function}))
        return function
    if not isinstance(function, FunctionType):
        raise DTypeError(f"checked takes a function or a class, not {shown(function)}")
    scope = {**scope, **function.__globals__, **_closure(function)}
    plans: dict[str, Plan] = {}
    kinds: set[str] = set()
    for name, annotation in function.__annotations__.items():
        plan = plan_of(annotation, scope) if name != "return" else None
        if plan is not None:
            plans[name] = plan[0]
            kinds |= plan[1]
    return _wrapped(function, plans, [k for k in PASS if k in kinds]) if plans else function


def _closure(function: FunctionType) -> dict[str, Any]:
    """The names of the enclosing functions' variables that are bound so far."""
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):
            found[name] = cell.cell_contents
    return found


class Call(Bracketed):
    """One call of a checked function: its loans, and what is passed of each argument, until that is taken."""

    __slots__ = (
        "_endings", "args", "back", "begin", "containers", "end", "kinds", "left", "lender", "name", "now", "plans",
        "which",
    )  # fmt: skip

    def __init__(self, name: str, plans: dict[str, Plan], kinds: list[str], lease: Lease | None = None) -> None:
        self.name = name
        self.plans = plans
        self.kinds = kinds
        self.lender = Lender(here(), lease or Lease())
        self.begin = (self.lender.lease.begin,)
        self.left = (self.lender.lease.end,)
        self.end = (*self.left, (self.close,))
        self.args: dict[str, Any] = {}
        self.back: list[tuple[Any, Any]] = []
        self.containers: list[tuple[Any, Any, Any]] = []

    def _opening(self) -> Any:
        return self.begin, (), self.end

    def pass_all(self, *args: tuple[str, Any]) -> None:
        """Lend and move the arguments: what is lent as shared first, what is moved last."""
        self.args.update(args)
        for kind in self.kinds:
            for name, plan in self.plans.items():
                self.now, self.which = kind, name
                self.args[name] = plan(self.args[name], self)

    def __call__(self, kind: str, x: Any) -> Any:
        if kind != self.now:
            return x
        y = PASS[kind](self.lender, x, f"parameter `{self.which}` of {self.name}()")
        if kind != "Own" and y is not x:
            self.back.append((y, x))
        return y

    def copied(self, old: Any, new: Any) -> None:
        """Remember that a list or dict is passed as a copy."""
        if self.now != "Own":
            self.containers.append((old, new, new.copy()))

    def take(self, name: str) -> Any:
        """The passed form of an argument, which the call releases."""
        return self.args.pop(name)

    def returned(self, y: Any) -> Any:
        """The result of the call: a returned argument is the caller's own."""
        if isinstance(y, tuple | list):
            return rebuilt(y, [self.returned(item) for item in y])
        return next((own for lent, own in self.back if lent is y), y)

    def close(self) -> None:
        """End the loans; lists and dicts are changed as their copies were."""
        try:
            for old, new, before in reversed(self.containers):
                if len(new) != len(before) or any(a is not b for a, b in zip(_flat(new), _flat(before), strict=True)):
                    own = [self.returned(item) for item in _values(new)]
                    add = (old.update, dict(zip(new, own, strict=True))) if isinstance(old, dict) else (old.extend, own)
                    at_once(((old.clear,), add))
        finally:
            self.lender.close()


def _values(x: Any) -> list[Any]:
    return list(x.values()) if isinstance(x, dict) else list(x)


def _flat(x: Any) -> list[Any]:
    """The items of a list; keys and values of a dict."""
    return [*x, *x.values()] if isinstance(x, dict) else x


PLAIN = """
def tn__made({parameters}):
    tn__call = tn__Call({label!r}, tn__plans, tn__kinds)
    def tn__inside():
        tn__call.pass_all({passed})
        return tn__call.returned(tn__function({arguments}))
    return tn__bracket(tn__call.begin, tn__call.end, tn__inside)
"""
COROUTINE = """
async def tn__made({parameters}):
    tn__call = tn__Call({label!r}, tn__plans, tn__kinds)
    with tn__call:
        tn__call.pass_all({passed})
        return tn__call.returned(await tn__function({arguments}))
"""
GENERATOR = """
def tn__made({parameters}):
    tn__call = tn__Call({label!r}, tn__plans, tn__kinds, tn__Walk())
    def tn__inside():
        tn__call.pass_all({passed})
        return tn__begun(tn__call, tn__function({arguments}))
    return tn__bracket(tn__call.begin, tn__call.left, tn__inside)
"""
ASYNC_GENERATOR = """
async def tn__made({parameters}):
    tn__call = tn__Call({label!r}, tn__plans, tn__kinds)
    with tn__call:
        tn__call.pass_all({passed})
        tn__inner = tn__function({arguments})
        tn__step = tn__inner.__anext__()
        while True:
            try:
                tn__item = await tn__step
            except StopAsyncIteration:
                return
            try:
                tn__sent = yield tn__item
            except GeneratorExit:
                await tn__inner.aclose()
                raise
            except BaseException as tn__error:
                tn__step = tn__inner.athrow(tn__error)
            else:
                tn__step = tn__inner.asend(tn__sent)
"""


def begun(call: Call, inner: Iterator[Any]) -> Iterator[Any]:
    """A generator with which the loans of its call end. It has begun when the user gets it: one that is never asked for
    an item, but only let go of, ends them too."""
    walk = driven(call, inner)
    next(walk, None)
    call.lender.lease.walk = ref(walk)  # type: ignore[attr-defined]
    return walk


def driven(call: Call, inner: Iterator[Any]) -> Iterator[Any]:
    """The items of a generator, after which is put in order what its loans have left."""
    try:
        yield
        return (yield from inner)
    finally:
        call.close()


def _wrapped(function: FunctionType, plans: dict[str, Plan], kinds: list[str]) -> Any:
    """The function of the same signature that passes the arguments as they are annotated."""
    parameters: list[str] = []
    arguments: list[str] = []
    known = {"Call": Call, "bracket": bracket, "begun": begun, "Walk": Walk, "function": function}
    scope: dict[str, Any] = {f"tn__{name}": to for name, to in known.items()}
    before: Any = None
    for name, p in inspect.signature(function).parameters.items():
        if before is KINDS.POSITIONAL_ONLY and p.kind is not before:
            parameters.append("/")
        if p.kind is KINDS.KEYWORD_ONLY and before not in (KINDS.KEYWORD_ONLY, KINDS.VAR_POSITIONAL):
            parameters.append("*")
        before = p.kind
        stars = "*" if p.kind is KINDS.VAR_POSITIONAL else "**" if p.kind is KINDS.VAR_KEYWORD else ""
        if stars and name in plans:
            plans[name] = of_items(plans[name])
        scope[f"tn__{name}"] = p.default
        parameters.append(f"{stars}{name}" if p.default is KINDS.empty else f"{name}=tn__{name}")
        given = f"tn__call.take({name!r})" if name in plans else name
        arguments.append(f"{name}={given}" if p.kind is KINDS.KEYWORD_ONLY else f"{stars}{given}")
    if before is KINDS.POSITIONAL_ONLY:
        parameters.append("/")
    scope.update(tn__plans=plans, tn__kinds=kinds)
    source = _form(function).format(
        parameters=", ".join(parameters),
        label=function.__qualname__.rpartition("<locals>.")[2],
        passed=", ".join([f"({name!r}, {name})" for name in plans]),
        arguments=", ".join(arguments),
    )
    exec(compile(source, FILE, "exec"), scope)
    return functools.wraps(function)(scope["tn__made"])


def _form(function: Callable[..., Any]) -> str:
    if inspect.isasyncgenfunction(function):
        return ASYNC_GENERATOR
    if inspect.iscoroutinefunction(function):
        return COROUTINE
    return GENERATOR if inspect.isgeneratorfunction(function) else PLAIN
