"""The rule donated-value-used (TN382)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "this value was donated, and its memory is gone", ("used here", "donated here"))


RULE = Rule(
    name="donated-value-used",
    code="TN382",
    sentence="a donated argument is not used again",
    reason="With `donate_argnums` the compiled function takes the argument's memory for its result.",
    wrong="""\
import jax
step = jax.jit(lambda x: x + 1, donate_argnums=0)
x = jax.numpy.ones(3)
y = step(x)
print(x)
""",
    right="""\
import jax
step = jax.jit(lambda x: x + 1, donate_argnums=0)
x = jax.numpy.ones(3)
x = step(x)
print(x)
""",
    help="use the result instead, or do not donate the argument",
    check=_check,
)
