"""The threads in processes of their own: forks, exits, signals, the environment and the affinity."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.runtime import native, threads

pytestmark = pytest.mark.skipif(not native.LINUX, reason="one thread on this platform")

SOURCES = [str(Path(threads.__file__).parents[2]), str(Path(__file__).parents[2])]


def run(script: str, **environment: str) -> subprocess.CompletedProcess:
    """A Python program of its own, in an environment that does not limit its threads."""
    inherited = {k: v for k, v in os.environ.items() if k != "TENURE_NUM_THREADS"}
    prelude = (
        "import ctypes, os, sys, threading, time, numpy as np\n"
        "from tenure.runtime import threads\n"
        "from tests.runtime.native_tasks import repeat, tasks\n"
        "def region(items=1000, pieces=8):\n"
        "    x = np.zeros(items, np.int64)\n"
        "    threads.parallel(tasks['count'], x.ctypes.data, items, pieces)\n"
        "    assert (x == 1).all()\n"
    )
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", prelude + script],
        env=inherited | {"PYTHONPATH": os.pathsep.join(SOURCES)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def expect(script: str, code: int = 0, output: str = "", **environment: str) -> None:
    done = run(script, **environment)
    assert (done.returncode, done.stderr, done.stdout.strip()) == (code, "", output)


def test_the_child_of_a_fork_has_threads_of_its_own():
    expect(
        "threads.set_num_threads(3)\n"
        "for generation in range(5):\n"
        "    region()\n"
        "    if not (child := os.fork()):\n"
        "        region(); region()\n"
        "        assert threads.get_num_threads() == 3\n"
        "        os._exit(len(os.listdir('/proc/self/task')))\n"
        "    region()\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), end=' ')\n",
        output="3 3 3 3 3",
    )


def test_fork_while_another_thread_works():
    expect(
        "threads.set_num_threads(2)\n"
        "x = np.zeros(5000, np.int64)\n"
        "work = lambda: [repeat(threads.address, tasks['count'], x.ctypes.data, 5000, 8, 1000) for _ in range(40)]\n"
        "thread = threading.Thread(target=work); thread.start()\n"
        "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"
        "for _ in range(10):\n"
        "    if not (child := os.fork()):\n"
        "        region(); os._exit(0)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "thread.join(); assert (x == 40000).all()\n",
    )


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("t = threading.Thread(target=lambda: (region(), sys.exit(5))); t.start()", 0),
        ("threading.Thread(target=lambda: [region() for _ in iter(int, 1)], daemon=True).start(); time.sleep(.05)", 0),
        ("import atexit; atexit.register(region)", 0),
        ("os.kill(os.getpid(), 15)", -15),
    ],
)
def test_exits_are_quiet(ending, code):
    expect(f"threads.set_num_threads(3)\nregion()\n{ending}", code)


def test_an_exception_ends_the_program_as_ever():
    done = run("region()\nraise KeyError('mine')")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "KeyError: 'mine'"


def test_a_blocked_signal_does_not_reach_a_worker():
    expect(
        "import signal\n"
        "threads.set_num_threads(3); region()\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
        "os.kill(os.getpid(), signal.SIGTERM); time.sleep(.05)\n"
        "print(signal.sigwait([signal.SIGTERM]).name)",
        output="SIGTERM",
        OPENBLAS_NUM_THREADS="1",  # NumPy's threads would take it
    )


def test_the_environment_sets_the_number():
    show = "before = threads.get_num_threads(); region(); print(before, threads.get_num_threads())"
    expect(show, output="3 3", TENURE_NUM_THREADS="3")
    expect(show, output="1 1", TENURE_NUM_THREADS=" 1 ")
    cpus = len(os.sched_getaffinity(0))
    expect(show, output=f"{cpus} {cpus}", TENURE_NUM_THREADS="")


@pytest.mark.parametrize("value", ["0", "-2", "many", "1.5", "300"])
def test_an_environment_that_makes_no_sense(value):
    done = run("", TENURE_NUM_THREADS=value)
    expected = f"ValueError: TENURE_NUM_THREADS is a number of threads, 1 to 256, not {value!r}"
    assert done.stderr.splitlines()[-1] == expected


def test_the_affinity_bounds_the_number():
    expect(
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "region(); print(threads.get_num_threads(), len(os.listdir('/proc/self/task')))",
        output="1 1",
        OPENBLAS_NUM_THREADS="1",
    )


def test_nothing_starts_before_the_first_region():
    expect(
        "threads.set_num_threads(4)\n"
        "tasks_now = lambda: len(os.listdir('/proc/self/task'))\n"
        "before = tasks_now(); region(); print(before, tasks_now())",
        output="1 4",
        OPENBLAS_NUM_THREADS="1",
    )
