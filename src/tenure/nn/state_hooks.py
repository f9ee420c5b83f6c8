"""Hooks around the loading of a state dict, module by module."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from tenure.nn.hooks import entries


class IncompatibleKeys(NamedTuple):
    """The result of ``load_state_dict``: keys that were missing, and keys that nobody asked for."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def metadata(module: Any) -> dict[str, Any]:
    """The facts that hooks of a saved module are told: the version of its state."""
    return {"version": getattr(module, "_version", 1)}


def nothing(found: Any, what: str) -> None:
    """TypeError for a hook that returns something: it changes what it is given."""
    if found is not None:
        raise TypeError(f"{what} returns None, not {type(found).__name__}: it changes what it is given")


class Loading:
    """The hooks of one ``load_state_dict``: what those before it leave of the given dict, and the lists they fill."""

    __slots__ = ("facts", "follows", "given", "messages", "missing", "module", "unexpected")

    def __init__(self, module: Any, given: Mapping[str, Any], assign: bool) -> None:
        self.facts = {"assign_to_params_buffers": True} if assign else {}
        self.module, self.given = module, given
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.messages: list[str] = []
        modules = list(module.modules())
        self.follows = any(entries(m._hooks, "loaded") for m in modules)
        if any(entries(m._hooks, "loading") for m in modules):
            self.given = self.prepared(module, OrderedDict(given), "")

    def prepared(self, module: Any, given: dict[str, Any], prefix: str) -> dict[str, Any]:
        """The dict behind the hooks of a module and of all below it; each is given a dict of its own."""
        for fn in entries(module._hooks, "loading"):
            lists = (self.missing, self.unexpected, self.messages)
            nothing(fn(module, given, prefix, dict(self.facts), True, *lists), "a hook before load_state_dict")
        parts = {f"{prefix}{name}.": m for name, m in module._modules.copy().items() if m is not None}
        out = {key: x for key, x in given.items() if not key.startswith(tuple(parts))}
        for below, child in parts.items():
            own = OrderedDict((key, x) for key, x in given.items() if key.startswith(below))
            out.update(self.prepared(child, own, below))
        return out

    def incompatible(self, missing: list[str], unexpected: list[str]) -> IncompatibleKeys:
        """The keys that do not match, with those that hooks have named."""
        return IncompatibleKeys([*self.missing, *missing], [*self.unexpected, *unexpected])

    def finish(self, wanted: Mapping[str, Any]) -> IncompatibleKeys:
        """The keys that do not match, as the hooks behind the loading leave them; children's run first."""
        keys = IncompatibleKeys(self.missing, self.unexpected)
        self._finish(self.module, "", wanted, keys)
        return keys

    def _finish(self, module: Any, prefix: str, wanted: Mapping[str, Any], keys: IncompatibleKeys) -> None:
        parts = {f"{prefix}{name}.": m for name, m in module._modules.copy().items() if m is not None}
        of_others = tuple(parts)
        own = [k for k, (owner, _, _) in wanted.items() if owner is module and k.startswith(prefix)]
        others = [k for k in self.given if k.startswith(prefix) and not k.startswith(of_others)]
        keys.missing_keys.extend([k for k in own if k not in self.given])
        keys.unexpected_keys.extend([k for k in others if k not in wanted])
        for below, child in parts.items():
            self._finish(child, below, wanted, keys)
        for fn in entries(module._hooks, "loaded"):
            nothing(fn(module, keys), "a hook behind load_state_dict")
