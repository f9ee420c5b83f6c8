"""The rules, one file each, and the tuple of them all."""

from tenure.check.rules.rule import Rule

__all__ = ["RULES", "Rule"]

RULES: tuple[Rule, ...] = ()
"""Every rule, in the order of their codes and names."""
