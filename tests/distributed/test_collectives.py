"""Collectives between ranks, on one machine."""

from __future__ import annotations

import pytest

from tests.distributed import jobs

pytestmark = pytest.mark.skipif(bool(jobs.WHY), reason=jobs.WHY)


@pytest.mark.parametrize("name", jobs.names("collectives.py"))
def test_four_ranks(name: str) -> None:
    wrong = jobs.outcome(4, "collectives.py")[name]
    assert not wrong, "\n".join(wrong)
