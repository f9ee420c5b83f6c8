"""The module: parameters, buffers and other modules under one name, and a ``forward``.

Assigning an attribute registers it: a ``Parameter`` among the parameters, a ``Module`` among the children,
and the replacement of a buffer among the buffers. A parameter knows which modules hold it, so every change of
``_parameters`` goes through ``_put`` here. Iterations go over a copy, taken at once: other threads may register.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from threading import get_ident
from typing import TYPE_CHECKING, Any, NoReturn, Self

from tenure.errors import DTypeError, shown
from tenure.nn import convert, state
from tenure.nn.convert import Converted
from tenure.nn.forward import HasForward, P, R
from tenure.nn.hooks import EVERY, Hooked, call, registered
from tenure.nn.lending import CALLS, refuse_call
from tenure.nn.paths import Paths
from tenure.nn.state_hooks import IncompatibleKeys
from tenure.runtime.bracket import bracket
from tenure.values.native.hits import methods
from tenure.values.places.buffer import Buffer
from tenure.values.places.loans import LENDING, UPDATING
from tenure.values.places.parameter import BIRTHS, Parameter
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import check_methods, publish, said_of
from tenure.values.trace.given import flag
from tenure.values.trace.record import RECORDER

_LEND, _TAKE_BACK = LENDING.__setitem__, LENDING.pop
_NAME = RECORDER.enter_site
_UNNAME = (_NAME, None)
INSTEAD = ": a weight that several processes add to is a tn.Shared(value, requires_grad=True)"
REGISTRIES = ("_parameters", "_modules", "_buffers")


class Module(Hooked, Paths, Converted):
    """The base of neural-network modules. A subclass calls ``super().__init__()`` and defines ``forward``.

    A module owns its parameters and its buffers, which are places. Calling it calls ``forward``; an operation
    inside that fails when the program runs names the line of the outermost call.

    >>> class Double(nn.Module):
    ...     def forward(self, x):
    ...         return 2 * x
    >>> Double()(tn.tensor([1.0, 2.0]))
    tensor([2., 4.])
    """

    training: bool

    def __init__(self) -> None:
        vars(self).update(training=True, _parameters={}, _buffers={}, _modules={}, _non_persistent=set())

    def forward(self, *args: Any, **kwargs: Any) -> Tensor | Any:
        """The result of a call; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    if TYPE_CHECKING:  # a call takes and returns what the ``forward`` of its class does

        def __call__(self: HasForward[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
            """Call ``forward`` and the hooks around it."""
            return self.forward(*args, **kwargs)

        def __iter__(self) -> object:
            """A module is not iterable, but for a container: no list of parameters."""

    else:

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            plain = (hooks := self._hooks) is None and not EVERY
            if RECORDER.site is not None:
                try:
                    return self.forward(*args, **kwargs) if plain else call(hooks, self, args, kwargs)
                except Exception as error:
                    self._blame(error, args, kwargs)
            frame, me = sys._getframe(1), get_ident()
            if UPDATING:
                refuse_call(self)
            enter = (_LEND, me, next(BIRTHS)), (_NAME, (frame.f_code, frame.f_lasti))
            leave = (_TAKE_BACK, me, None), _UNNAME
            try:
                if plain:
                    return bracket(enter, leave, self.forward, *args, **kwargs)
                return bracket(enter, leave, call, hooks, self, args, kwargs)
            except Exception as error:
                self._blame(error, args, kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_methods(cls, "__init__")

    def _blame(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
        if type(self).__module__.startswith("tenure."):
            said_of(error, type(self).forward, (self, *args), kwargs)
        raise error

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None reserves the name."""
        self._check_name("parameter", name, self._dict("_parameters"))
        self._put(name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a buffer: state that is no parameter, kept as a place (a value is given one).

        One that is not ``persistent`` is left out of ``state_dict()``; None reserves the name."""
        self._check_name("buffer", name, self._dict("_buffers"))
        persistent = flag("persistent", persistent)
        self._buffers[name] = state.buffer_of(name, registered("buffer", self, name, tensor))
        (self._non_persistent.discard if persistent else self._non_persistent.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child under a name; None reserves the name."""
        self._check_name("module", name, self._dict("_modules"))
        self._modules[name] = self._child(name, module)

    def _child(self, name: str, module: Module | None) -> Module | None:
        """A module as its registration hooks give it."""
        module = registered("module", self, name, module)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"module is not a Module subclass but {shown(module)}")
        return module

    add_module = register_module

    def _dict(self, which: str) -> dict[str, Any]:
        found = vars(self).get(which)
        if found is None:
            raise AttributeError("a module's attributes are assigned before Module.__init__() call")
        return found  # type: ignore[no-any-return]

    def _check_name(self, kind: str, name: Any, registered: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a {kind} is a str, not {shown(name)}")
        if not name or "." in name:
            raise KeyError(f"the name of a {kind} is not empty and has no dot: {name!r}")
        if name not in registered and hasattr(self, name):
            raise KeyError(f"attribute {name!r} already exists")

    def _put(self, name: str, param: Parameter | None) -> None:
        """Hold a parameter under a name, in place of the one held before."""
        if param is not None:
            param = registered("parameter", self, name, param)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign {type(param).__name__!r} as parameter {name!r} (nn.Parameter or None)")
        old = self._parameters.get(name)
        if old is not None and param is not old:
            old.refuse_replacement()
        self._parameters[name] = param
        if param is not old:
            if param is not None:
                param.held_by(self)
            if old is not None:
                old.released_by(self)

    def __getattr__(self, name: str) -> Any:
        held = self.__dict__
        for which in REGISTRIES:
            if which in held and name in held[which]:
                return held[which][name]
        instead = INSTEAD if name == "share_memory" else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{instead}", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._dict("_parameters")
            self._forget(name, "_buffers", "_modules")
            self._put(name, value)
        elif isinstance(value, Module):
            self._dict("_modules")
            self._forget(name, "_parameters", "_buffers")
            self._modules[name] = self._child(name, value)
        elif name in vars(self).get("_parameters", ()):
            if value is not None:
                kind = type(value).__name__
                raise TypeError(
                    f"cannot assign {kind!r} as parameter {name!r} (nn.Parameter or None):"
                    f" write it by `module.{name}.data = …`, replace it by `module.{name} = nn.Parameter(…)`"
                )
            self._put(name, None)
        elif name in vars(self).get("_modules", ()):
            if value is not None:
                raise TypeError(f"cannot assign {type(value).__name__!r} as module {name!r} (Module or None)")
            self._modules[name] = self._child(name, None)
        elif isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
        elif name in vars(self).get("_buffers", ()):
            self._buffers[name] = state.buffer_of(name, registered("buffer", self, name, value))
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if not self._forget(name, *REGISTRIES):
            object.__delattr__(self, name)

    def _forget(self, name: str, *registries: str) -> bool:
        """Remove a name from its registry or attributes, and return whether it was registered."""
        found = False
        for which in registries:
            held = vars(self).get(which, {})
            if name in held:
                if which == "_parameters":
                    self._put(name, None)
                del held[name]
                found = True
        self._non_persistent.discard(name)
        if registries != REGISTRIES:
            vars(self).pop(name, None)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """The module itself (named ``prefix``) and all below it, by name, parents first; one held twice comes once."""
        memo = set() if memo is None else memo
        if not isinstance(memo, set) or not isinstance(prefix, str):
            raise DTypeError(f"memo is a set and prefix a str, not {shown(memo)} and {shown(prefix)}")
        if self in memo:
            return
        if flag("remove_duplicate", remove_duplicate):
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.copy().items():
            if module is not None:
                below = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, below, remove_duplicate)

    def _named(self, which: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        below = flag("recurse", recurse)
        modules = self.named_modules(None, prefix, remove_duplicate) if below else [(prefix, self)]
        for path, module in modules:
            for name, tensor in vars(module)[which].copy().items():
                if tensor is None or id(tensor) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(tensor))
                yield (f"{path}.{name}" if path else name), tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Names and parameters, a parent's before its children's; a tied one once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Var]]:
        """Names and buffers."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Names and modules held directly."""
        seen: set[int] = set()
        for name, module in self._modules.copy().items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of the module and of all below it, tied ones once."""
        seen: set[int] = set()
        for module in self.modules() if recurse is True or flag("recurse", recurse) else (self,):
            for p in tuple(module._parameters.values()):
                if p is not None and id(p) not in seen:
                    seen.add(id(p))
                    yield p

    def buffers(self, recurse: bool = True) -> Iterator[Var]:
        """The buffers of the module and of all below it."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def children(self) -> Iterator[Module]:
        """The modules held directly."""
        return (m for _, m in self.named_children())

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """The module itself and all below it, parents first; one held twice comes once, or as often as it is held."""
        seen: set[Module] = set()
        once = remove_duplicate is True or flag("remove_duplicate", remove_duplicate)
        stack: list[Module] = [self]
        while stack:
            module = stack.pop()
            if module not in seen:
                if once:
                    seen.add(module)
                yield module
                stack += [m for m in reversed(tuple(module._modules.values())) if m is not None]

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` with every module, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """No effect, whatever the arguments: what a module computes is compiled in any case."""

    def train(self, mode: bool = True) -> Self:
        """Set training mode here and below: dropout and the like act."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Leave training mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make every parameter a differentiation leaf, or none."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the parameters, or write zeros to them."""
        for p in self.parameters():
            if set_to_none:
                p.grad = None
            elif (g := p.grad) is not None:
                g.zero_()

    def state_dict(
        self, *, destination: dict[str, Tensor] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers by PyTorch's keys: values, or with ``keep_vars`` the places themselves."""
        return state.snapshot(self, destination, prefix, keep_vars)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Write parameters and buffers from values or arrays by name; returns the missing and unexpected keys.

        StateDictError, and nothing stays written, if a shape differs or, with ``strict``, a key is missing or
        unexpected. With ``assign`` parameters and buffers are replaced, and take the dtype of what is loaded.
        """
        return state.load(self, state_dict, strict, assign)

    def extra_repr(self) -> str:
        """The text that ``repr`` shows between the parentheses, besides the children."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return state.describe(self, [(f"({name})", repr(m)) for name, m in self._modules.copy().items()])

    def __getstate__(self) -> dict[str, Any]:
        held = dict(vars(self))
        return {**held, **{which: held[which].copy() for which in (*REGISTRIES, "_non_persistent")}}

    def __setstate__(self, held: dict[str, Any]) -> None:
        vars(self).update(held)
        for which in REGISTRIES:
            vars(self)[which] = dict(vars(self)[which])
        vars(self)["_non_persistent"] = set(self._non_persistent)
        for p in tuple(self._parameters.values()):
            if p is not None:
                p.held_by(self)

    def __copy__(self) -> Self:
        new: Self = convert.twin(self, {})
        return new


publish(Module, "register_parameter", "register_buffer", "add_module", "register_module")
publish(Module, "load_state_dict", "train")
check_methods(Module, "apply", "requires_grad_", "zero_grad")
CALLS.add(Module.__call__.__code__)
methods(Module, __getattr__="registered")
