"""Communication behind computation: two ranks, compiled as usual."""

from __future__ import annotations

import pytest

from tests.distributed import jobs

pytestmark = pytest.mark.skipif(bool(jobs.WHY), reason=jobs.WHY)


@pytest.mark.parametrize("name", jobs.names("overlapping.py"))
def test_two_ranks(name: str) -> None:
    found = jobs.outcome(2, "overlapping.py")
    assert "" not in found, found[""]
    assert not found[name], "\n".join(found[name])
