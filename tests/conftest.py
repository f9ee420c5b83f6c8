"""Hypothesis profiles: `quick` draws the same examples every time, `fuzz` (`make fuzz`) searches. The compiler verifies
its forms between passes."""

import gc
import getpass
import os
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

os.environ.setdefault("TENURE_COMPILE", "wait")
os.environ.setdefault("TENURE_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"tenure-tests-{getpass.getuser()}"))
os.environ.setdefault("TENURE_VERIFY", "1")

settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("fuzz", max_examples=2000, deadline=None)
settings.load_profile("fuzz" if os.environ.get("TENURE_FUZZ") else "quick")


@pytest.fixture(scope="module", autouse=True)
def _small_heap() -> Iterator[None]:
    """What earlier files have left is not walked again by each collection: late files took five times as long."""
    gc.collect()
    gc.freeze()
    yield
