"""Collectives, training and checkpoints of four ranks on one machine, in one job."""

from __future__ import annotations

import pytest

from tests.distributed import jobs
from tests.traits import EVERY

pytestmark = pytest.mark.skipif(bool(jobs.WHY), reason=jobs.WHY)
PARTS = ("checkpoints.py", "collectives.py", "parallels.py", "windows.py")


@pytest.mark.parametrize("name", [name for part in PARTS for name in jobs.names(part)])
def test_four_ranks(name: str) -> None:
    """Operation by operation, so that four processes do not compile the same programs at once; in fuzz as usual."""
    if not EVERY and name == "test_gradients_of_gradients":
        pytest.skip("operation by operation, what is differentiated twice lies before a cut; in fuzz")
    found = jobs.outcome(4, "every.py", **{} if EVERY else {"TENURE_EAGER": "1"})
    assert "" not in found, found[""]
    assert not found[name], "\n".join(found[name])
