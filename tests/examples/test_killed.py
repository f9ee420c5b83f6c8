"""Training that is killed at random moments, and resumed each time, ends with the bits of training that was not."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed.py")
FRAME = SCRIPT.parents[2] / "examples"
EVERY = bool(os.environ.get("TENURE_FUZZ"))
KILLS, STEPS = (50, 600) if EVERY else (3, 60)


def started(checkpoint: Path) -> "subprocess.Popen[str]":
    files = ["--checkpoint", str(checkpoint), "--save-every", "1", "--resume", "--steps", str(STEPS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FRAME), *sys.path])}
    return subprocess.Popen([sys.executable, str(SCRIPT), *files], stdout=subprocess.PIPE, text=True, env=environment)


def finished(checkpoint: Path) -> bytes:
    process = started(checkpoint)
    process.communicate()
    assert process.returncode == 0
    return checkpoint.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed")
def test_killed_at_random_moments(tmp_path: Path) -> None:
    draw = random.Random(20)
    whole = finished(tmp_path / "whole.pt")
    checkpoint, resumed = tmp_path / "killed.pt", 0
    kills = 0
    while kills < KILLS:
        process = started(checkpoint)
        assert process.stdout is not None
        if draw.random() < 0.9:  # the others are killed while they start
            for line in process.stdout:
                resumed += line.startswith("resumed")
                if line == "a step\n":
                    break
            time.sleep(draw.random() * 0.1)
        else:
            time.sleep(draw.random() * 0.5)
        process.kill()
        process.communicate()
        if process.returncode == 0:
            assert checkpoint.read_bytes() == whole
            checkpoint.unlink()
        else:
            kills += 1
    assert resumed >= KILLS // 3
    assert finished(checkpoint) == whole
