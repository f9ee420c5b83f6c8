"""State dicts of modules: windows of what a module holds by name, and writing them back, with PyTorch's messages."""

from __future__ import annotations

import functools
import itertools
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any, cast

from tenure.errors import OwnershipError
from tenure.torch.cells import Parameter, Tensor
from tenure.torch.nn.calls import registered
from tenure.torch.nn.places import Waiting
from tenure.torch.nn.registry import RemovableHandle
from tenure.values.rules.modes import no_grad

EXTRA = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class Saved:
    """Methods of a module that save and load its state."""

    _version: int = 1

    def state_dict(
        self: Any, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Parameters and persistent buffers by name: detached windows, or with ``keep_vars`` the tensors themselves."""
        for value, name in zip(args, ("destination", "prefix", "keep_vars"), strict=False):
            destination = value if name == "destination" else destination
            prefix = value if name == "prefix" else prefix
            keep_vars = value if name == "keep_vars" else keep_vars
        if destination is None:
            destination = Kept()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in tuple(self._state_dict_pre_hooks.values()):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in tuple(self._state_dict_hooks.values()):
            found = hook(self, destination, prefix, metadata)
            if getattr(hook, "_from_public_api", False):
                if found is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif found is not None:
                destination = found
        return destination  # type: ignore[no-any-return]

    def _save_to_state_dict(self: Any, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, x in held(self):
            destination[prefix + name] = x if keep_vars or isinstance(x, Waiting) else x.detach()
        if type(self).get_extra_state is not Saved.get_extra_state:
            destination[f"{prefix}{EXTRA}"] = self.get_extra_state()

    def get_extra_state(self) -> Any:
        """State besides tensors to be saved; a subclass defines it, and ``set_extra_state``."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state: Any) -> None:
        """Take over what ``get_extra_state`` gave."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    def load_state_dict(
        self: Any, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Write parameters and buffers from tensors by name; returns the missing and unexpected keys.

        RuntimeError, after all that fits is written, for shapes that differ or, with ``strict``, keys that do."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state = Kept(state_dict)
        if metadata is not None:
            state._metadata = metadata
        no_grad().apply(loaded, self, state, metadata or {}, assign, "", (missing, unexpected, errors))
        if strict:
            for keys, what in ((unexpected, "Unexpected"), (missing, "Missing")):
                if keys:
                    names = ", ".join(f'"{k}"' for k in keys)
                    errors.insert(0, f"{what} key(s) in state_dict: {names}. ")
        if errors:
            said = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{said}")
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self: Any, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: list[str],
        unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        for hook in tuple(self._load_state_dict_pre_hooks.values()):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        assign = local_metadata.get("assign_to_params_buffers", False)
        mine = dict(held(self))
        for name, x in mine.items():
            key = prefix + name
            if key in state_dict:
                no_grad().apply(written, self, name, x, key, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        extra = f"{prefix}{EXTRA}"
        if type(self).set_extra_state is not Saved.set_extra_state:
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    first, *more = key[len(prefix) :].split(".", 1)
                    if first not in (self._modules if more else mine):
                        unexpected_keys.append(key)

    def register_state_dict_post_hook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` when ``state_dict`` has all of the module."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return registered(self.__dict__, "_state_dict_hooks", hook, False)

    def _register_state_dict_hook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
        return registered(self.__dict__, "_state_dict_hooks", hook, False)

    def register_state_dict_pre_hook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict``."""
        return registered(self.__dict__, "_state_dict_pre_hooks", hook, False)

    def _register_load_state_dict_pre_hook(
        self: Any, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        given = functools.partial(hook, self) if with_module else hook
        return registered(self.__dict__, "_load_state_dict_pre_hooks", given, False)

    def register_load_state_dict_pre_hook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook before ``load_state_dict`` looks for what the module holds."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)  # type: ignore[no-any-return]

    def register_load_state_dict_post_hook(self: Any, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` when ``load_state_dict`` has written the module and all below."""
        return registered(self.__dict__, "_load_state_dict_post_hooks", hook, False)


class Kept(OrderedDict[str, Any]):
    """State dict: an OrderedDict, with PyTorch's metadata beside it."""

    _metadata: Any

    def copy(self) -> Kept:
        """Another dict of the same tensors, metadata included."""
        twin = Kept(self)
        if hasattr(self, "_metadata"):
            twin._metadata = self._metadata
        return twin

    def __reduce__(self) -> Any:
        return (OrderedDict, (), dict(vars(self)), None, iter(self.items()))


Kept.__name__ = Kept.__qualname__ = "OrderedDict"
Kept.__module__ = "collections"


def held(module: Any) -> list[tuple[str, Any]]:
    """Names and tensors of a module's state alone."""
    skipped = module._non_persistent_buffers_set
    kept = ((n, b) for n, b in module._buffers.items() if n not in skipped)
    return [(n, x) for n, x in itertools.chain(module._parameters.items(), kept) if x is not None]


def loaded(module: Any, state: Any, metadata: Any, assign: bool, prefix: str, lists: tuple[list[str], ...]) -> None:
    """Write a module and all below it, then call the hooks behind."""
    own = dict(metadata.get(prefix[:-1], {}))
    if assign:
        own["assign_to_params_buffers"] = assign
    module._load_from_state_dict(state, prefix, own, True, *lists)
    for name, child in module._modules.items():
        if child is not None:
            below = f"{prefix}{name}."
            part = Kept((k, v) for k, v in state.items() if k.startswith(below))
            loaded(child, part, metadata, assign, below, lists)
    for hook in tuple(module._load_state_dict_post_hooks.values()):
        if hook(module, _IncompatibleKeys(*lists[:2])) is not None:
            raise RuntimeError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, if"
                " incompatible_keys need to be modified, it should be done inplace."
            )


def written(module: Any, name: str, x: Any, key: str, given: Any, assign: bool, errors: list[str]) -> None:
    """Write one tensor of a module, or replace it; a message for what does not fit."""
    here: Any = x
    if not isinstance(given, Tensor):
        errors.append(
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint'
            f" but received {type(given)}"
        )
        return
    waits = isinstance(cast(object, given), Waiting)
    if isinstance(here, Waiting) and not waits:
        here.materialize(tuple(given.shape))
    elif waits:
        return
    if given.dim() == 1 and given.shape[0] == 1 and x.dim() == 0:
        given = given[0]
    if given.shape != x.shape:
        errors.append(
            f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in current"
            f" model is {x.shape}."
        )
        return
    try:
        if assign:
            new = given
            if isinstance(x, Parameter) and not isinstance(given, Parameter):
                new = Parameter(given, requires_grad=x.requires_grad)
            setattr(module, name, new)
        elif not is_itself(x, given):
            x.copy_(given)
    except OwnershipError:
        raise
    except Exception as error:
        errors.append(
            f'While copying the parameter named "{key}", whose dimensions in the model are {x.size()} and whose'
            f" dimensions in the checkpoint are {given.size()}, an exception occurred : {error.args}."
        )


def is_itself(x: Any, given: Any) -> bool:
    """Whether a tensor is a window of all of x as x is now: to write it is nothing, and its other windows stay."""
    window = given._window
    return window is not None and window.parent is x and window.step is None and not window.foreign
