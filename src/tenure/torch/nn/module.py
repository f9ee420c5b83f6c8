"""``torch.nn.Module``: PyTorch's module on tensors of the face.

It is a home module too, so that home layers and containers take it; all that PyTorch's does otherwise is here: what an
assignment registers (``registry``), calls and hooks (``calls``), state dicts (``saving``), and conversions, which
rebind the data of the same parameters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tenure.nn.module import Module as HomeModule
from tenure.torch.devices import check_device
from tenure.torch.nn.calls import KINDS, Called
from tenure.torch.nn.places import Waiting, is_parameter, typename
from tenure.torch.nn.registry import Registry, adopted
from tenure.torch.nn.saving import Saved
from tenure.values.rules.modes import no_grad

LAYER: list[Callable[[str], type]] = []
"""The function that finds a layer class (``mirror.named``)."""


class Converted:
    """Methods of a module that convert what it holds: each parameter stays the object that it is."""

    def _apply(self: Any, fn: Callable[[Any], Any], recurse: bool = True) -> Any:
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, p in tuple(self._parameters.items()):
            if p is not None:
                changed = no_grad().apply(converted, p, fn)
                if changed is not p:
                    self._parameters[name] = changed
        for name, b in tuple(self._buffers.items()):
            if b is not None:
                self._buffers[name] = no_grad().apply(fn, b)
        return self

    def to(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Convert floating parameters and buffers, by a dtype, a device, both, or a tensor that has them.

        Each keeps its object, so an optimizer made before goes on working."""
        from_tensor = next((a for a in (*args, kwargs.pop("tensor", None)) if hasattr(a, "_window")), None)
        dtype = kwargs.get("dtype")
        device, formed = kwargs.get("device"), kwargs.get("memory_format")
        for arg in args:
            if hasattr(arg, "is_floating_point") and arg is not from_tensor:
                dtype = arg
            elif arg is not from_tensor and not isinstance(arg, bool) and arg is not None:
                device = arg
        if from_tensor is not None:
            dtype = from_tensor.dtype
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def convert(t: Any) -> Any:
            wanted = dtype if dtype is not None and is_numeric(t) else None
            if isinstance(t, Waiting):
                check_device(device)
                return t if wanted is None else t.retyped(wanted)
            given = [x for x in (device, wanted) if x is not None]
            if formed is not None and t.dim() in (4, 5):
                return t.to(*given, memory_format=formed)
            return t.to(*given) if given else t

        return self._apply(convert)

    def type(self: Any, dst_type: Any) -> Any:
        """Convert all parameters and buffers to a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def cpu(self: Any) -> Any:
        """Itself: everything is on the CPU."""
        return self._apply(lambda t: t if isinstance(t, Waiting) else t.cpu())

    def cuda(self: Any, device: Any = None) -> Any:
        """The error of PyTorch without CUDA."""
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self: Any, *, device: Any, recurse: bool = True) -> Any:
        """Write zeros to all parameters and buffers."""

        def emptied(t: Any) -> Any:
            check_device(device)
            return t.zero_()

        return self._apply(emptied, recurse=recurse)

    def share_memory(self: Any) -> Any:
        """Itself, whose parameters and buffers processes share that are forked from now on."""
        return self._apply(lambda t: t.share_memory_())


def converter(name: str) -> Callable[[Any], Any]:
    """Method that converts floating tensors to the dtype of a name."""

    def method(self: Any) -> Any:
        def convert(t: Any) -> Any:
            if not t.dtype.is_floating_point:
                return t
            return getattr(t, name)()

        return self._apply(convert)

    method.__name__ = method.__qualname__ = name
    return method


for _name in ("float", "double", "half", "bfloat16"):
    setattr(Converted, _name, converter(_name))


def is_numeric(t: Any) -> bool:
    """Whether conversions of a module reach a tensor: it is of a floating or complex dtype."""
    return bool(t.dtype.is_floating_point or getattr(t.dtype, "is_complex", False))


def converted(p: Any, fn: Callable[[Any], Any]) -> Any:
    """A parameter whose data, and those of its gradient, are what a function gives."""
    new = fn(p)
    if isinstance(p, Waiting):
        return new
    if new is not p:
        p.data = new
    if p.grad is not None:
        g = fn(p.grad)
        if g is not p.grad:
            p.grad.data = g
    return p


class Module(Registry, Called, Saved, Converted, HomeModule):  # type: ignore[misc]
    """Base of neural-network modules, as PyTorch's. A subclass calls ``super().__init__()`` and defines ``forward``."""

    __module__ = "torch.nn.modules.module"
    dump_patches = False
    call_super_init = False
    training: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            given = next(iter(kwargs), None)
            said = f"takes 1 positional argument but {len(args) + 1} were given"
            said = f"got an unexpected keyword argument '{given}'" if given else said
            raise TypeError(f"{type(self).__name__}.__init__() {said}")
        begun(self)
        if self.call_super_init:
            after = [c for c in type(self).__mro__ if not issubclass(c, HomeModule) and c not in BASES]
            if after:
                super(HomeModule, self).__init__(*args, **kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super(HomeModule, cls).__init_subclass__(**kwargs)

    def forward(self, *input: Any) -> Any:
        """The result of a call; a subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def get_submodule(self, target: str) -> Any:
        """The module at a dotted path."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, HomeModule):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Put a module at a dotted path."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        if not isinstance(module, HomeModule):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Any:
        """The parameter at a dotted path."""
        return found_at(self, target, "_parameters", "nn.Parameter")

    def get_buffer(self, target: str) -> Any:
        """The buffer at a dotted path."""
        return found_at(self, target, "_buffers", "buffer")

    def apply(self, fn: Callable[[Any], None]) -> Any:
        """Call ``fn`` with every module, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Any:
        """Set training mode here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """Leave training mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Make every parameter a leaf that takes a gradient, or none."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the parameters, or write zeros to them."""
        for p in self.parameters():
            if p.grad is None:
                continue
            if set_to_none:
                p.grad = None
            else:
                p.grad = p.grad.detach() if p.grad.requires_grad else p.grad
                p.grad.zero_()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Accepted: calls are compiled in any case."""

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """The text that ``repr`` shows between the parentheses, besides the children."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        below = [f"({k}): " + repr(m).replace("\n", "\n  ") for k, m in self._modules.items()]
        if len(lines) == 1 and not below:
            return f"{self._get_name()}({lines[0]})"
        if not lines + below:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + below) + "\n)"

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        begun(self, {k: v for k, v in state.items() if k in KINDS})
        self.__dict__.update(state)

    def __copy__(self) -> Any:
        twin = type(self).__new__(type(self))
        twin.__setstate__(self.__getstate__())
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self).__module__.startswith("torch.nn.modules"):  # a layer, of whatever ``torch`` the reader has
            return again, (type(self).__name__,), self.__getstate__()
        return object.__reduce_ex__(self, protocol)

    def _replicate_for_data_parallel(self) -> Any:
        twin = self.__copy__()
        for which in ("_parameters", "_buffers", "_modules"):
            twin.__dict__[which] = dict(twin.__dict__[which])
        return twin


BASES = (Registry, Called, Saved, Converted, object, *HomeModule.__mro__[1:])


def begun(module: Any, hooks: dict[str, Any] | None = None) -> None:
    """Give a module its registries, all empty."""
    module.__dict__.update(
        training=True, _parameters={}, _buffers={}, _non_persistent_buffers_set=set(),
        **{kind: OrderedDict() for kind in KINDS if kind not in (hooks or ())}, _modules={},
    )  # fmt: skip


def found_at(module: Any, target: str, which: str, what: str) -> Any:
    """The object that is registered at a dotted path."""
    path, _, name = target.rpartition(".")
    owner = module.get_submodule(path)
    if not hasattr(owner, name):
        raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
    if name not in owner.__dict__[which] or (which == "_parameters" and not is_parameter(owner.__dict__[which][name])):
        raise AttributeError(f"`{name}` is not a{'n' if what[0] == 'n' else ''} {what}")
    return owner.__dict__[which][name]


def again(name: str) -> Any:
    """An empty module of a layer class, which unpickling fills."""
    cls: Any = LAYER[0](name)
    return cls.__new__(cls)


__all__ = ["Module", "adopted", "begun", "typename"]
