"""The rules, one file each: a module of this folder that has a `RULE` is one."""

import pkgutil
from importlib import import_module

from tenure.check.rules.rule import Rule

__all__ = ["RULES", "Rule"]

_MODULES = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (module.RULE for module in _MODULES if hasattr(module, "RULE")),
        key=lambda rule: (rule.code, rule.name),
    )
)
"""Every rule, in the order of their codes and names."""
