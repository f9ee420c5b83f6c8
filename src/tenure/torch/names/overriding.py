"""Dispatch to ``__torch_function__``: of subclasses of a tensor, and of objects that are no tensors.

Nobody pays who has no such class. The first subclass that a program defines, or the first foreign object that a
function meets where it wants a tensor, gives every function of the table other code in front, which asks the
arguments (``watch``); methods and operators are asked in the subclass itself (``subclassed``).
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, ClassVar

from tenure.runtime.bracket import Bracketed
from tenure.torch.cells import Tensor, wrap
from tenure.torch.cells.parameter import Parameter
from tenure.torch.cells.steps import Reshape
from tenure.torch.cells.windows import layout, take


class Dispatch:
    """State of the dispatch: how often it is switched off for subclasses, and the functions that it stands in front of
    once a program has a class of its own."""

    off = 0
    is_watched = False
    functions: ClassVar[list[types.FunctionType]] = []
    classes: ClassVar[set[type]] = set()


class DisableTorchFunctionSubclass(Bracketed):
    """Context in which subclasses of a tensor are not asked."""

    def _opening(self) -> Any:
        old = Dispatch.off
        return ((setattr, Dispatch, "off", old + 1),), (), ((setattr, Dispatch, "off", old),)


def unasked(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """``__torch_function__`` of a class that overrides nothing."""
    return func(*args, **(kwargs or {}))


def overrides(x: Any) -> bool:
    """Whether an object is asked what a function of it is."""
    of = type(x)
    if of is Tensor or of is Parameter or getattr(of, "__torch_function__", unasked) is unasked:
        return False
    return not (Dispatch.off and isinstance(x, Tensor))


def overriding(args: Any) -> list[Any]:
    """The objects among arguments that are asked, one of each class, subclasses before their bases."""
    found: list[Any] = []
    for x in args:
        for y in x if type(x) in (list, tuple) else (x,):
            if overrides(y) and not any(type(y) is type(z) for z in found):
                at = next((k for k, z in enumerate(found) if isinstance(y, type(z))), len(found))
                found.insert(at, y)
    return found


def dispatched(public: Any, real: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The answer of the arguments to a function of them; else the function's own result."""
    found = overriding((*args, *kwargs.values()))
    return answered(public, found, args, kwargs) if found else real(*args, **kwargs)


def answered(public: Any, relevant: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The first answer of the objects that are asked what a function is; TypeError where none has one."""
    kinds = tuple([type(x) for x in relevant])
    for x in relevant:
        out = x.__torch_function__(public, kinds, args, kwargs)
        if out is not NotImplemented:
            return out
    name = f"{getattr(public, '__module__', None)}.{getattr(public, '__name__', public)}"
    said = "on types that implement __torch_function__"
    raise TypeError(f"no implementation found for '{name}' {said}: {list(kinds)}")


IN_FRONT = compile("def asked(*args, **kwargs): return _asked(_public, _real, args, kwargs)", __file__, "exec")


UNASKING = """
is_tensor broadcast_shapes zeros ones empty empty_strided empty_permuted full eye arange range linspace logspace rand
randn randperm randint scalar_tensor tril_indices triu_indices bartlett_window blackman_window hann_window
hamming_window kaiser_window
"""
IGNORED = frozenset(UNASKING.split())
"""Functions that ask no arguments, in PyTorch too: what they say of an object, or make, does not depend on it."""


def known(function: Any) -> Any:
    """A public function of the table, which dispatches once that is wanted."""
    if function.__name__ in IGNORED:
        return function
    Dispatch.functions.append(function)
    if Dispatch.is_watched:
        stand_in_front(function)
    return function


def stand_in_front(f: types.FunctionType) -> None:
    """Give a function code that asks its arguments, and then calls the code that it had."""
    real = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    real.__kwdefaults__ = f.__kwdefaults__
    space: dict[str, Any] = {}
    exec(IN_FRONT, space)
    f.__globals__.update(_asked=dispatched, _public=f, _real=real)
    f.__code__, f.__defaults__, f.__kwdefaults__ = space["asked"].__code__, None, None


def watch() -> None:
    """Let all functions of the table ask their arguments from now on."""
    if not Dispatch.is_watched:
        Dispatch.is_watched = True
        for f in Dispatch.functions:
            stand_in_front(f)


def rescued(function: Any, given: dict[str, Any]) -> Any:
    """The result of a function that failed on the first object that is to be asked, as a tuple; None without one."""
    if not overriding(given.values()):
        return None
    code, defaults = function.__code__, function.__defaults__ or ()
    watch()
    count = code.co_argcount
    args = [wrap(given[n]) for n in code.co_varnames[:count]]
    while args and len(args) > count - len(defaults) and args[-1] is defaults[len(args) - count - 1]:
        args.pop()
    plain = {n: wrap(given[n]) for n in code.co_varnames[count : count + code.co_kwonlyargcount]}
    kept = {n: x for n, x in plain.items() if x is not (function.__kwdefaults__ or {}).get(n)}
    return (dispatched(function, function, tuple(args), kept),)


def converted(x: Any, cls: Any) -> Any:
    """A result as one of a subclass."""
    if cls is Tensor:
        return x
    if isinstance(x, Tensor) and not isinstance(x, cls):
        return as_subclass(x, cls)
    if not isinstance(x, list | tuple):
        return x
    parts = [converted(y, cls) for y in x]
    return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)


def as_subclass(self: Any, cls: Any) -> Any:
    """A tensor of a subclass with the same elements, in the graph."""
    if not isinstance(cls, type) or not issubclass(cls, Tensor):
        raise TypeError(f"as_subclass takes a subclass of Tensor, not {cls!r}")
    return self if type(self) is cls else take(self, cls._blank(), Reshape(layout(self)))


def torch_function(cls: Any, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """The default answer of a subclass to a function of it: the function's own result, of the subclass."""
    if not all(issubclass(cls, of) for of in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        out = func(*args, **(kwargs or {}))
    return converted(out, cls)


def method_of(name: str) -> Callable[..., Any]:
    """Method of a subclass that asks before it does what a tensor does."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        func = getattr(Tensor, name)
        return dispatched(func, func, (self, *args), kwargs)

    method.__name__ = name
    return method


def view_of(name: str) -> property:
    """Attribute of a subclass that is a tensor of it."""
    return property(lambda self: converted(getattr(Tensor, name).fget(self), type(self)))


def shown(self: Any) -> str:
    """Text of a tensor of a subclass: with the name of its class."""
    name, (first, *rest) = type(self).__name__, Tensor.__repr__(self).splitlines()
    wide = len(name) - len("tensor")
    more = [" " * wide + line[max(-wide, 0) :] if line else line for line in rest]
    return "\n".join([first.replace("tensor(", f"{name}(", 1), *more])


NEVER = """
__new__ __init__ __class__ __init_subclass__ __torch_function__ __getattribute__ __getattr__ __setattr__ __delattr__
__hash__ __reduce__ __reduce_ex__ __subclasshook__ __dir__ __sizeof__ __repr__ __str__ __format__ __len__ __bool__
__getstate__ __setstate__ __deepcopy__ __copy__ __class_getitem__ __array__ __array_namespace__ __dlpack__ as_subclass
"""
PLAIN = frozenset(NEVER.split())
"""Methods of a tensor that are never asked for."""
CONVERTED = ("T", "mT", "H", "mH", "data", "real", "imag")
"""Attributes that are tensors of the subclass."""


def subclassed(cls: Any, /, **options: Any) -> None:
    """Let a new subclass of a tensor be asked."""
    own = cls.__module__.startswith(("tenure.", "torch."))
    if own or issubclass(cls, Parameter) or not Dispatch.classes.isdisjoint(cls.__mro__):
        return
    watch()
    Dispatch.classes.add(cls)
    for name in dir(Tensor):
        is_one = name not in PLAIN and (name[0] != "_" or name[:2] == "__") and name not in vars(cls)
        if is_one and name in CONVERTED:
            setattr(cls, name, view_of(name))
        elif is_one and callable(getattr(Tensor, name, None)):
            setattr(cls, name, method_of(name))
    cls.__repr__ = vars(cls).get("__repr__", shown)
    cls.__str__ = vars(cls).get("__str__", lambda self: repr(self))


FACE: Any = Tensor
FACE.__init_subclass__ = classmethod(subclassed)
FACE.__torch_function__, FACE.as_subclass = classmethod(torch_function), as_subclass
Parameter.__torch_function__ = staticmethod(unasked)  # type: ignore[attr-defined]
