"""The rule traced-value-changed (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "the compiled function has read this already and does not see the change"
    return of_conflicts(facts, RULE, message, lent="compiled here", used="called again here, with the old value")


RULE = Rule(
    name="traced-value-changed",
    code="TN506",
    sentence="what a compiled function has read once does not change afterwards",
    reason=("`jit` runs the function once, to trace it. Variables it reads from outside are constants from then on."),
    wrong="""\
import jax
cfg = {"lr": 1.0}
scale = jax.jit(lambda x: x * cfg["lr"])
scale(1.0)
cfg["lr"] = 5.0
print(scale(1.0))
""",
    right="""\
import jax
cfg = {"lr": 1.0}
scale = jax.jit(lambda x, lr: x * lr)
scale(1.0, cfg["lr"])
cfg["lr"] = 5.0
print(scale(1.0, cfg["lr"]))
""",
    help="make it an argument of the compiled function",
    check=_check,
)
