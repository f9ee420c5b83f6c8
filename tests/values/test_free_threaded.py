"""The tests of threads on a free-threaded Python, where one is installed: they pass, and the GIL stays off.

An interpreter is found by TENURE_FREE_THREADED, else by the names python3.14t and python3.13t; it needs NumPy,
llvmlite, pytest and hypothesis.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ("test_threads.py", "test_parts.py", "test_shared.py", "test_stress.py", "test_boundary.py")
USABLE = (
    "import hypothesis, llvmlite, numpy, pytest, sysconfig\nassert sysconfig.get_config_var('Py_GIL_DISABLED') == 1"
)
RUN = """
import sys, pytest
code = pytest.main(sys.argv[1:])
assert not sys._is_gil_enabled(), "something has switched the GIL on again"
sys.exit(code)
"""


def interpreter() -> str:
    """A free-threaded Python that can run Tenure; skips where there is none."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("this Python is free-threaded: the tests run in it as they are")
    named = os.environ.get("TENURE_FREE_THREADED")
    found = [path for path in [named, shutil.which("python3.14t"), shutil.which("python3.13t")] if path]
    for path in found:
        if subprocess.run([path, "-c", USABLE], capture_output=True).returncode == 0:
            return path
        if path == named:
            pytest.fail(f"TENURE_FREE_THREADED={path} is no free-threaded Python with NumPy, llvmlite and pytest")
    pytest.skip("no free-threaded Python with NumPy and llvmlite is installed")


def test_threads_without_a_gil() -> None:
    command = [interpreter(), "-c", RUN, "-q", "-p", "no:cacheprovider", "-m", "not peers"]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHON_GIL", "VIRTUAL_ENV")}
    environment["PYTHONPATH"] = str(ROOT / "src")
    tests = [str(ROOT / "tests" / "values" / name) for name in TESTS]
    ran = subprocess.run([*command, *tests], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
