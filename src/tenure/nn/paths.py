"""Dotted paths to the parts of a module: those that read or replace one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, shown
from tenure.values.trace.blame import publish
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.nn.module import Module
    from tenure.values.places.parameter import Parameter
    from tenure.values.places.var import Var


class Paths:
    """Methods of a module that take a dotted path."""

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path; AttributeError where there is none."""
        module: Any = self
        for name in _text("get_submodule", target).split(".") if target else ():
            module = module._modules.get(name)
            if module is None:
                raise AttributeError(f"{type(self).__name__!r} has no module {target!r}")
        return module  # type: ignore[no-any-return]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path; AttributeError where there is none."""
        return self._held("_parameters", "parameter", target)  # type: ignore[no-any-return]

    def get_buffer(self, target: str) -> Var:
        """The buffer at a dotted path; AttributeError where there is none."""
        return self._held("_buffers", "buffer", target)  # type: ignore[no-any-return]

    def _held(self, which: str, kind: str, target: str) -> Any:
        path, _, name = _text(f"get_{kind}", target).rpartition(".")
        found = vars(self.get_submodule(path))[which].get(name)
        if found is None:
            raise AttributeError(f"{type(self).__name__!r} has no {kind} {target!r}")
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a dotted path, in place of the one there; with ``strict`` there has to be one.

        AttributeError where the path leads to no module, or something else has the name; ValueError for what is no
        module.
        """
        path, _, name = _text("set_submodule", target).rpartition(".")
        if not name:
            raise ValueError(f"set_submodule: the name of a module is not empty: {target!r}")
        if not isinstance(module, Paths):
            raise ValueError(f"set_submodule: module is a Module, not {shown(module)}")
        parent: Any = self.get_submodule(path)
        free = not flag("set_submodule: strict", strict) and not hasattr(parent, name)
        if parent._modules.get(name) is None and not free:
            raise AttributeError(f"set_submodule: {type(self).__name__!r} has no module {target!r}")
        setattr(parent, name, module)


def _text(function: str, target: object) -> str:
    if not isinstance(target, str):
        raise DTypeError(f"{function}: target is a dotted path, a str, not {shown(target)}")
    return target


publish(Paths, "get_submodule", "get_parameter", "get_buffer", "set_submodule")
