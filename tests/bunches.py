"""Small cases in bunches: a test each would cost more than the case itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

SIZE = 40


def bunches(argument: str, cases: Sequence[Any]) -> Callable[[Any], Any]:
    """A test that takes a list of cases, for bunches of about SIZE: cases far from each other, so that bunches cost
    alike. The test says which case failed."""
    count = -(-len(cases) // SIZE)
    return pytest.mark.parametrize(argument, [cases[k::count] for k in range(count)], ids=map(str, range(count)))
