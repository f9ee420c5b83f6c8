"""Ranks that are killed: the others go on, to the same bits; else the job goes on from its checkpoint."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from tenure.distributed import siblings
from tests.distributed import jobs

EVERY = bool(os.environ.get("TENURE_FUZZ"))
FT = ("--with-ft", "ulfm")
pytestmark = pytest.mark.skipif(bool(jobs.WHY), reason=jobs.WHY)
LINE = re.compile(r"digest (\w+) lost (\d+) ranks (\d+) steps (\d+)")


@cache
def undisturbed(steps: int) -> str:
    """The digest of a run of one process that nothing happens to."""
    line = [sys.executable, str(jobs.PROGRAMS / "killed.py"), str(steps), "-"]
    done = subprocess.run(line, env=jobs.environment(), capture_output=True, text=True, check=True)
    return ended(done)[0]


def ended(done: subprocess.CompletedProcess[str]) -> tuple[str, int, int, int]:
    """Digest, lost ranks, ranks at the end, and steps that its first rank took."""
    found = LINE.search(done.stdout)
    assert found is not None, done.stdout + done.stderr
    return found[1], int(found[2]), int(found[3]), int(found[4])


def test_a_killed_rank_costs_the_step_in_progress() -> None:
    done = jobs.run(3, "killed.py", "4", "-", "0:1:backward", options=FT, timeout=90)
    digest, lost, ranks, steps = ended(done)
    assert (lost, ranks) == (1, 2) and steps <= 5 and "a rank has died" in done.stderr, done.stderr
    assert digest == undisturbed(4)


@pytest.mark.skipif(not EVERY, reason="twenty jobs; run with TENURE_FUZZ")
@pytest.mark.parametrize("seed", range(20))
def test_kills_at_random_moments(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    places = ["forward", "backward", "update", *map(str, range(0, 60, 3))]
    dying = draw.sample(range(4), draw.choice([1, 1, 2, 3]))
    deaths = [f"{r}:{draw.randrange(6)}:{draw.choice(places)}" for r in dying]
    folder = draw.choice(["-", str(tmp_path)])
    done = jobs.run(4, "killed.py", "6", folder, *deaths, options=FT, timeout=120)
    digest, lost, ranks, _ = ended(done)
    assert digest == undisturbed(6) and lost + ranks == 4, (deaths, done.stderr)


def launched(ranks: int, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A job of ``tenure launch``."""
    line = [sys.executable, "-m", "tenure", "launch", "-n", str(ranks), *arguments]
    return subprocess.run(
        line, env=jobs.environment(**more), capture_output=True, text=True, timeout=120, check=False
    )


def ranks_of(starter: int) -> list[int]:
    """The processes that a starter of MPI has started, by their environment."""
    found = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        if siblings.parent_of(pid) and siblings.variable(pid, siblings.JOB_NAME) and starter in line_of(pid):
            found.append(pid)
    return found


def line_of(pid: int) -> list[int]:
    """The parents of a process."""
    found = []
    while pid > 1:
        pid = siblings.parent_of(pid)
        found.append(pid)
    return found


def killed_at(moment: float, trains: bool, folder: Path, chosen: int, ranks: int = 3) -> tuple[str, float]:
    """A job of the launcher, of which a rank is killed so many seconds after all have been started, or after the first
    step has begun; what it says, and after how many seconds it has noticed."""
    line = [sys.executable, "-m", "tenure", "launch", "-n", str(ranks), str(jobs.PROGRAMS / "killed.py")]
    with subprocess.Popen(
        [*line, "40" if trains else "6", str(folder)],
        env=jobs.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as job:  # fmt: skip
        assert job.stdout is not None
        said, noticed = job.stdout.readline() if trains else "", 0.0
        while job.poll() is None and len(ranks_of(job.pid)) < ranks:
            time.sleep(0.02)
        time.sleep(moment)
        alive = ranks_of(job.pid)
        if len(alive) == ranks:
            os.kill(alive[chosen], signal.SIGKILL)
        start = time.monotonic()
        for text in job.stdout:
            said += text
            if not noticed and ("has died" in text or "has lost" in text or "digest" in text):
                noticed = time.monotonic() - start
    assert job.returncode == 0, said
    return said, noticed


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc")
@pytest.mark.parametrize("seed", range(20) if EVERY else [0])
def test_a_kill_at_any_moment_from_the_start_of_the_processes_on(seed: int, tmp_path: Path) -> None:
    """While Python and MPI start, by turns with training and the end: by chance, but for the first, which is MPI's
    start. A rank that has not come to MPI yet notices nothing, so its own start is not counted."""
    draw, start = random.Random(seed), time.monotonic()
    wanted = undisturbed(40 if seed % 2 else 6)
    alone = time.monotonic() - start
    moment = draw.uniform(0.0, 4.0) if seed else 0.3
    said, noticed = killed_at(moment, bool(seed % 2), tmp_path / "run", draw.randrange(3))
    print(f"rank killed after {moment:.1f} s, noticed {noticed:.1f} s later: {said[-200:]}")
    found = LINE.search(said)
    assert found is not None and found[1] == wanted, said
    assert noticed < 10 + (0 if seed % 2 else max(3 * alone, 20)), said


@pytest.mark.skipif(not EVERY, reason="a job; run with TENURE_FUZZ")
def test_the_exit_code_of_a_program_outlives_a_lost_rank(tmp_path: Path) -> None:
    program = tmp_path / "exits.py"
    program.write_text("""
import os, signal, sys
import tenure as tn
dist = tn.distributed
net = dist.parallel(tn.nn.Linear(2, 1), shards=2)
def step(k):
    if k == 1 and dist.world().ranks[dist.rank()] == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()
lost = dist.elastic(step, 3, model=net)
sys.exit(40 + lost)
""")
    done = launched(3, "--restarts", "0", str(program))
    assert done.returncode == 41, (done.returncode, done.stderr)


@pytest.mark.skipif(not EVERY, reason="two jobs; run with TENURE_FUZZ")
@pytest.mark.parametrize(
    ("dies", "code", "said"),
    [("ctypes.string_at(0)", 75, "a rank of this job has died"), ("os._exit(5)", 5, "a rank has left without the end")],
)
def test_a_rank_that_goes_in_any_way_ends_the_job_with_a_code(dies: str, code: int, said: str, tmp_path: Path) -> None:
    program = tmp_path / "goes.py"
    program.write_text(f"""
import ctypes, os
from tenure import distributed as dist
dist.barrier()
if dist.rank() == 1:
    {dies}
dist.barrier()
""")
    done = launched(3, "--restarts", "0", str(program))
    assert done.returncode == code and said in done.stderr, (done.returncode, done.stderr)


@pytest.mark.skipif(not EVERY, reason="two jobs; run with TENURE_FUZZ")
def test_the_launcher_starts_a_job_anew_that_cannot_go_on(tmp_path: Path) -> None:
    once = tmp_path / "once"
    program = tmp_path / "dies.py"
    program.write_text(f"""
import os, pathlib, signal, sys
import tenure as tn
dist = tn.distributed
net = dist.parallel(tn.nn.Linear(2, 1), shards=2)
def step(k):
    if k == 3 and dist.rank() == 1 and not pathlib.Path({str(once)!r}).exists():
        pathlib.Path({str(once)!r}).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()
    taken.append(k)
taken = []
opt = dist.shard_optimizer(tn.optim.Adam(net.parameters()))
sys.modules["tenure.distributed.elastic"].shrink = None  # an MPI without it
try:
    dist.elastic(step, 5, folder={str(tmp_path / "run")!r}, every=1, model=net, optimizer=opt)
except TypeError:
    raise tn.RankLost("no way back")
if dist.rank() == 0:
    print("taken", taken)
""")
    done = launched(2, str(program))
    assert done.returncode == 0 and "taken [3, 4]" in done.stdout and "started anew (1)" in done.stderr, done.stderr


def test_what_to_install_is_said(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "tenure", "launch", "-n", "2", str(jobs.PROGRAMS / "killed.py")]
    code = f"import sys, shutil; shutil.which = lambda *a, **k: None; sys.argv = {line[2:]!r}; "
    code += "from tenure.cli.main import main; sys.exit(main(sys.argv[1:]))"
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, env=jobs.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "pip install 'tenure[distributed]'" in done.stderr, done.stderr
