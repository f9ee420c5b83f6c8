"""A program of torch.distributed on gloo, and the same program on the face: every rank writes the same."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributed import jobs

pytestmark = [pytest.mark.peers, pytest.mark.skipif(bool(jobs.WHY), reason=jobs.WHY)]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_same_is_written(ranks: int, tmp_path: Path) -> None:
    program = str(jobs.PROGRAMS / "torch_names.py")
    line = [*jobs.command(ranks), sys.executable, "-m", "tenure.torch", program, str(tmp_path / "face")]
    done = subprocess.run(line, env=jobs.environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(ranks)}
    environments = [jobs.environment(RANK=str(r), **address) for r in range(ranks)]
    peer = [sys.executable, program, str(tmp_path / "peer")]
    started = [subprocess.Popen(peer, env=environment) for environment in environments]
    for p in started:
        p.wait(120)  # its status says nothing: gloo's threads at times abort it as it ends, with all written
    for r in range(ranks):
        assert (tmp_path / f"face.{r}").read_text() == (tmp_path / f"peer.{r}").read_text()
