"""The rule pending-operand-overwritten (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "{source} is written before what was computed from it is there"
    return of_conflicts(facts, RULE, message, lent="read from here on, at some later time", used="needed here")


RULE = Rule(
    name="pending-operand-overwritten",
    code="TN506",
    sentence="an operand is not overwritten before what was computed from it is there",
    reason=(
        "JAX and tinygrad compute later than the line that asks. NumPy memory (or a buffer) written in "
        "between is what they then read."
    ),
    wrong="""\
import jax.numpy as jnp
import numpy as np
a = np.ones(4)
y = jnp.sin(a)
a[:] = 0.0
print(y)
""",
    right="""\
import jax.numpy as jnp
import numpy as np
a = np.ones(4)
y = jnp.sin(a).block_until_ready()
a[:] = 0.0
print(y)
""",
    help="wait first: `.block_until_ready()` (JAX) or `.realize()` (tinygrad), or pass a copy",
    check=_check,
)
