"""Distributions, transforms and constraints of the face: each stands for one of the home library's, which it holds.

    torch.distributions.Normal(loc, scale)        holds    tenure.distributions.Normal(value of loc, value of scale)

What is asked of it is asked of the home object, with values for tensors; what comes back is tensors and objects of the
face. A class that a program derives from a base is the other way round: a home object stands for it (``standing``).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from tenure.distributions import Distribution as HomeDistribution
from tenure.errors import TenureError, following
from tenure.torch.cells import Tensor, wrap
from tenure.torch.cells.aliasing import StaleWindowError
from tenure.torch.cells.overlap import owner_of
from tenure.torch.cells.windows import is_shared
from tenure.torch.crossings import given
from tenure.torch.distributions.refusing import (
    NEGATED,
    OUTSIDE,
    of_base,
    refuse_number,
    refused_parameter,
    refused_value,
)
from tenure.torch.distributions.rooms import module_of
from tenure.torch.dtypes import Defaults, float32
from tenure.torch.errors import plainly, translated
from tenure.torch.names.trying import settled
from tenure.torch.sizes import Size
from tenure.values.operations.creation import tensor as made_of
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor as Value

FAMILIES: dict[type, type] = {}
"""Base class of each family in the home library, and of the face."""
SHOWN: dict[int, tuple[Any, Any]] = {}
"""Constraints that are one object."""


def refuse_written(x: Outer) -> None:
    """TN597 where a parameter was written after the distribution was made of it: in PyTorch some distributions show the
    write and others do not."""
    for tensor, value in x.__dict__.get("_taken", ()):
        if tensor._read() is not value:
            raise StaleWindowError(
                f"{type(x).__name__} is used after a tensor that it was made of was written",
                at=site(here()),
                notes=[("it was made here", site(x.__dict__["_where"]))],
                help="make it again where the new numbers are meant, or of a `.clone()` where the old ones are",
            )


class Outer:
    """Base of what stands for a home object."""

    _home: Any = None
    _held: Any

    def __getattr__(self, name: str) -> Any:
        if name == "_held" and "_own" in self.__dict__:
            self.__dict__["_held"] = of_attributes(self)
            return self.__dict__["_held"]
        if name[:1] == "_" or "_held" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        refuse_written(self)
        found = getattr(self._held, name)
        return asked(found) if callable(found) and not is_home(found) else show(found)

    def __repr__(self) -> str:
        return repr(self._held) if "_held" in self.__dict__ else f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        if "_held" in self.__dict__ and isinstance(other, Outer) and "_held" in other.__dict__:
            return bool(self._held == other._held)
        return self is other

    def __hash__(self) -> int:
        return hash(self._held) if "_held" in self.__dict__ else id(self)


def is_home(x: Any) -> bool:
    """Whether an object is of a family of the home library."""
    return isinstance(x, tuple(FAMILIES)) and not isinstance(x, type)


def hide(x: Any) -> Any:
    """An argument for home code."""
    if isinstance(x, Outer):
        return x._held if "_held" in x.__dict__ else standing(x)
    if type(x) in (list, tuple):
        return type(x)([hide(y) for y in x])
    if type(x) is dict:
        return {k: hide(v) for k, v in x.items()}
    return given(x)


def show(x: Any) -> Any:
    """A result of home code for the program."""
    if is_home(x):
        return shown(x)
    if type(x) is tuple and all(type(n) is int for n in x):
        return Size(x)
    if type(x) in (list, tuple):
        return type(x)([show(y) for y in x])
    if type(x) is dict:
        return {k: show(v) for k, v in x.items()}
    return wrap(x)


def shown(x: Any) -> Any:
    """The object of the face that stands for a home object."""
    there = getattr(x, "_face_object", None)
    if there is not None:
        return there
    if id(x) not in SHOWN:
        kind: Any = type(x)
        made: Any = object.__new__(named(kind))
        made.__dict__["_held"] = x
        if "Constraint" not in [c.__name__ for c in kind.__mro__]:
            return made
        SHOWN[id(x)] = (x, made)
    return SHOWN[id(x)][1]


def asked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of home objects as one of the face's."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return show(function(*[hide(a) for a in args], **{k: hide(v) for k, v in kwargs.items()}))
        except TenureError as error:
            raise translated(error) from None
        except NotImplementedError as error:
            raise plainly(error) from None

    return call


CHECKED = frozenset(("log_prob", "cdf", "icdf"))
"""Methods that check a value; within a ``try`` of the program they do so at once."""
DRAWN = frozenset(("sample", "rsample"))
SHAPES = frozenset(("forward_shape", "inverse_shape"))


def is_scored(held: Any, name: str) -> bool:
    """Whether a method checks that its value is a tensor in PyTorch; one of parts leaves that to them."""
    lacks = getattr(type(held), f"_{name}", None) is getattr(HomeDistribution, f"_{name}")
    is_own = getattr(type(held), name) is not getattr(HomeDistribution, name)
    return isinstance(held, HomeDistribution) and name != "icdf" and (is_own or not lacks)


def _method(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        refuse_written(self)
        if name in CHECKED:
            value = args[0] if args else kwargs.get("value")
            if is_scored(self._held, name):
                refuse_number(self, value)
            shown_before = {*self._held.__dict__.get("_asked", ())}
            try:
                return settled(asked(getattr(self._held, name))(*args, **kwargs))
            except TenureError as error:
                self._held._asked = shown_before  # PyTorch refuses before it computes other parameters
                raise refused_value(self, translated(error), value) from None
        if name in DRAWN and args:
            args = (Size(args[0]), *args[1:])
        result = asked(getattr(self._held, name))(*args, **kwargs)
        return args[0] if name in SHAPES and result == args[0] else result

    method.__name__ = name
    return method


def expand(self: Any, batch_shape: Any, _instance: Any = None) -> Any:
    """The distribution for a larger batch: made of a program's own object, if it gives one."""
    refuse_written(self)
    made = asked(self._held.expand)(batch_shape)
    if _instance is None:
        return made
    _instance.__dict__.update(made.__dict__)
    return _instance


def of_attributes(x: Any) -> Any:
    """Home object of a distribution of a program's class that sets parameters itself, or has properties for them, and
    calls no constructor of the class it derives from; of parameters that stand for each other the first."""
    named: Any = following(c for c in type(x).__mro__ if "_home" in vars(c))
    given, is_one = {}, False
    for name, p in inspect.signature(named._home.__init__).parameters.items():
        is_own = name in x.__dict__["_own"] or getattr(type(x), name, None) is not getattr(named, name, None)
        if name in named._home.parameters and is_own and not (is_one and p.default is None):
            given[name] = getattr(x, name)
            is_one = is_one or p.default is None
    return asked_raw(named._home)(**given, validate_args=False)


def of_given(x: Any, found: Any) -> Any:
    """A value as a tensor: the one given, where it is that of a parameter of the batch's shape."""
    for name, mine in x.__dict__.get("_named", {}).items():
        p = getattr(x._held, "parameters", {}).get(name)
        if p is not None and p.event_dim == 0 and p.form is None and found is x._held.__dict__.get(name):
            return mine
    return wrap(found)


def _property(name: str) -> Any:
    def get(self: Any) -> Any:
        refuse_written(self)
        if name in self.__dict__.get("_own", ()):
            return self.__dict__["_own"][name]
        if name in getattr(self._held, "parameters", ()):
            type(self._held).parameters[name].note(self._held)
        try:
            found = getattr(self._held, name)
            return show(found) if type(found) is not Value else of_given(self, found)
        except NotImplementedError as error:
            if name == "mode":
                raise NotImplementedError(f"{type(self)} does not implement mode") from None
            raise plainly(error) from None

    def put(self: Any, value: Any) -> None:
        self.__dict__.setdefault("_own", {})[name] = value

    return property(get, put)


def in_default_dtype(home: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Arguments of a constructor, numbers among its parameters as tensors of the program's default dtype, where no
    tensor beside them decides."""
    if any(isinstance(x, Tensor) and x._aval.dtype.is_floating for x in (*args, *kwargs.values())):
        return args, kwargs
    signature = list(inspect.signature(home.__init__).parameters.values())[1:]
    names = [p.name for p in signature]
    own = {p.name: p.default for p in signature[len(args) :] if p.name in home.parameters and p.name not in kwargs}

    def made(name: str, x: Any) -> Any:
        is_number = name in home.parameters and isinstance(x, int | float) and not isinstance(x, bool)
        return wrap(made_of(x, dtype=Defaults.float.home)) if is_number else x

    numbered = tuple(made(*pair) for pair in zip(names, args, strict=False))
    own = {k: made(k, x) for k, x in own.items() if isinstance(x, int | float)}
    return (*numbered, *args[len(names) :]), {k: made(k, x) for k, x in kwargs.items()} | own


def _constructor(home: Any) -> Callable[..., None]:
    names = list(inspect.signature(home.__init__).parameters)[1:]

    @functools.wraps(home.__init__)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if Defaults.float is not float32:
            args, kwargs = in_default_dtype(home, args, kwargs)
        try:
            self.__dict__["_held"] = asked_raw(home)(*args, **kwargs)
            for name in getattr(home, "parameters", ()):
                settled(self._held.__dict__.get(name))
        except TenureError as error:
            raise refused(self, home, translated(error), args, kwargs) from None
        if kwargs.get("validate_args") is not None:
            self.__dict__["_validate_args"] = self._held._validate_args
        taken = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor)]
        self.__dict__["_taken"] = [(x, x._read()) for x in taken if not is_shared(owner_of(x))]
        self.__dict__["_where"] = here()
        named_here = {**dict(zip(names, args, strict=False)), **kwargs}
        self.__dict__["_named"] = {name: x for name, x in named_here.items() if isinstance(x, Tensor)}

    return __init__


def refused(x: Any, home: Any, error: TenureError, args: Any, kwargs: dict[str, Any]) -> TenureError:
    """The error of a constructor, in PyTorch's words where a parameter lies outside its constraint."""
    found = OUTSIDE.match(error.message)
    if found is None:
        return error
    of = of_base(home, found[1], args, kwargs, named)
    if of is not None:
        return of  # type: ignore[no-any-return]
    x.__dict__["_held"] = held = asked_raw(home)(*args, **{**kwargs, "validate_args": False})
    name, bound = NEGATED.get(home.__name__, (found[1], lambda d: d.arg_constraints[found[1]]))
    return refused_parameter(x, error, name, show(bound(held)), show(getattr(held, name)))


def asked_raw(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of home objects, whose result stays one."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*[hide(a) for a in args], **{k: hide(v) for k, v in kwargs.items()})
        except TenureError as error:
            raise translated(error) from None

    return call


@functools.cache
def named(home: Any) -> Any:
    """The class of the face for a home class of a family."""
    if home in FAMILIES:
        return FAMILIES[home]
    parent = following(b for b in home.__bases__ if issubclass(b, tuple(FAMILIES)))
    space: dict[str, Any] = {"__doc__": home.__doc__, "_home": home}
    if home.__init__ is not HomeDistribution.__init__:  # else a base without parameters of its own
        space["__init__"] = _constructor(home)
    for name in dir(home):
        if (name[0] == "_" and name not in ("__call__", "__len__")) or name in ("batch_shape", "event_shape"):
            continue
        member = inspect.getattr_static(home, name)
        if isinstance(member, staticmethod | classmethod):
            space[name] = type(member)(lambda *args, name=name, **kw: asked(getattr(home, name))(*args[-0:], **kw))
        elif callable(member) and not isinstance(member, type) and not is_home(member):
            space[name] = expand if name == "expand" else _method(name)
        elif hasattr(type(member), "__get__"):
            space[name] = _property(name)
        else:
            space[name] = show(member)
    name, cls_module = module_of(home.__name__)
    cls = type(name, (named(parent),), space)
    cls.__module__ = cls_module
    return cls


STAND: dict[type, Callable[[Any], Any]] = {}
"""For each base class of the face: what makes a home object that stands for an object of a program's class."""


def standing(x: Any) -> Any:
    """Home object for an object of a class that a program has derived from a base."""
    for of, make in STAND.items():
        if isinstance(x, of):
            made = make(x)
            made._face_object = x
            return made
    raise TypeError(f"{type(x).__name__} is no distribution, transform or constraint")


def is_tensor(x: Any) -> bool:
    """Whether an object is a tensor."""
    return isinstance(x, Tensor)
