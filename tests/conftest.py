"""Hypothesis profiles: `quick` draws the same examples every time, `fuzz` (`make fuzz`) searches. The compiler verifies
its forms between passes."""

import getpass
import os
import tempfile

from hypothesis import settings

os.environ.setdefault("TENURE_COMPILE", "wait")
os.environ.setdefault("TENURE_CACHE_DIR", os.path.join(tempfile.gettempdir(), f"tenure-tests-{getpass.getuser()}"))
os.environ.setdefault("TENURE_VERIFY", "1")

settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("fuzz", max_examples=2000, deadline=None)
settings.load_profile("fuzz" if os.environ.get("TENURE_FUZZ") else "quick")
