"""The form of a rule: its sentence, its reason, a wrong and a right program, and the function that finds breaches.

Documentation pages, `tenure rule` and the reports are all made from it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tenure.check.analysis.events import Events
from tenure.check.facts import Facts
from tenure.diagnostic import Diagnostic

__all__ = ["Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, the code of its law, and its texts for the user.

    `sentence` is the law in one line, `reason` why it is one, `wrong` and `right` are whole programs (the first is
    reported by this rule, the second by none), `help` is what to write instead. `check` finds the breaches in what
    the analysis knows of one module; `on` are the events of the analysis that the rule listens to.
    """

    name: str
    code: str
    sentence: str
    reason: str
    wrong: str
    right: str
    help: str
    check: Callable[[Facts], Iterable[Diagnostic]]
    on: Events = field(default_factory=Events)
