"""Collectives, training and checkpoints of four ranks on one machine, in one job."""

from __future__ import annotations

import pytest

from tests.distributed import jobs

pytestmark = pytest.mark.skipif(bool(jobs.WHY), reason=jobs.WHY)
PARTS = ("checkpoints.py", "collectives.py", "parallels.py", "windows.py")


@pytest.mark.parametrize("name", [name for part in PARTS for name in jobs.names(part)])
def test_four_ranks(name: str) -> None:
    found = jobs.outcome(4, "every.py")
    assert "" not in found, found[""]
    assert not found[name], "\n".join(found[name])
