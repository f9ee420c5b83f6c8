"""The example programs, each as a process of its own."""

import importlib
import itertools
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.traits import EVERY

EXAMPLES = Path(__file__).parents[2] / "examples"

SEED = """\
x_grad = tensor([3.])
x = tensor([1.7000], requires_grad=True)
x_grad = tensor([3.])
x = tensor([1.4000], requires_grad=True)
z = tensor([5.1000], grad_fn=<MulBackward0>)
"""


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error::DeprecationWarning:tenure", *arguments]


@pytest.mark.parametrize("eager", ["", "1"])
def test_seed(eager: str) -> None:
    ran = subprocess.run(
        python(str(EXAMPLES / "seed.py")), capture_output=True, env={**os.environ, "TENURE_EAGER": eager}, check=True
    )
    assert ran.stdout == SEED.encode()
    assert ran.stderr == b""


def test_only_the_import_of_the_seed_differs_from_pytorch() -> None:
    source = (EXAMPLES / "seed.py").read_text()
    assert [line for line in source.splitlines() if "tenure" in line] == ["import tenure as torch"]


@pytest.mark.peers
def test_seed_with_pytorch() -> None:
    pytest.importorskip("torch")
    source = (EXAMPLES / "seed.py").read_text().replace("import tenure as torch", "import torch")
    assert subprocess.check_output(python("-c", source), text=True) == SEED


TRAINED = ("convnet", "dqn", "gp", "lstm", "ode", "transformer", "vae") if EVERY else ("dqn", "gp", "transformer")


@pytest.mark.parametrize("name", TRAINED)
def test_an_example_trains_stops_resumes_and_draws(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    module, training = importlib.import_module(name), importlib.import_module("training")
    monkeypatch.delitem(sys.modules, name)

    def run(checkpoint: str, *more: str) -> bytes:
        files = ["--checkpoint", str(tmp_path / checkpoint), "--out", str(tmp_path / "picture.png")]
        monkeypatch.setattr(sys, "argv", [name, "--steps", "2", *files, *more])
        module.main()
        return (tmp_path / checkpoint).read_bytes()

    draw, done = module.draw, training.Run.done
    monkeypatch.setattr(module, "draw", lambda *_: None)
    whole = run("whole.pt")

    def until_the_first(self: Any, **numbers: float) -> None:
        done(self, **numbers)
        if self.step == 1:
            self.stop()  # as Ctrl-C does

    monkeypatch.setattr(training.Run, "done", until_the_first)
    assert run("parts.pt") != whole
    monkeypatch.setattr(training.Run, "done", done)
    monkeypatch.setattr(module, "draw", draw)
    assert run("parts.pt", "--resume") == whole
    said = re.findall(r"^(step \d/2(?=  loss [\d.-])|resumed at step 1)", capsys.readouterr().out, re.MULTILINE)
    said = [line for line, _ in itertools.groupby(said)]  # a slow step is shown at once, and again at the end
    assert said[-3:] == ["step 1/2", "resumed at step 1", "step 2/2"]
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_digits(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    command = python(str(EXAMPLES / "digits.py"), "--steps", "360")
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert re.fullmatch(r"step 360/360  loss \d\.\d+  accuracy [\d.]+  \d+ steps/s", output[-3])
    found = re.fullmatch(r"(\d+\.\d)% of 360 held-out digits after 360 steps in \d+\.\d s", output[-2])
    assert found
    assert float(found[1]) > 94
    assert output[-1] == "wrote digits.png"
    assert sorted(os.listdir(tmp_path)) == ["digits.png", "digits.pt"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forked")
def test_word_vectors_of_several_processes_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    command = python(str(EXAMPLES / "word_vectors.py"), "--texts", "40", "--processes", "2", "--epochs")

    def run(*more: str) -> list[str]:
        ran = subprocess.run([*command, *more], capture_output=True, text=True, check=True, cwd=tmp_path)
        return ran.stdout.splitlines()

    first, second = run("1"), run("2", "--resume")
    losses = [float(line.split()[3]) for out in (first, second) for line in out if line.startswith("epoch")]
    assert losses[-1] < losses[0] and any(line.startswith("epoch   2") for line in second)
    assert any(line.startswith("   class: ") for line in second)
    assert (tmp_path / "word_vectors.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_digits_on_a_terminal_until_ctrl_c(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    ours, theirs = os.openpty()
    command = python(str(EXAMPLES / "digits.py"), "--steps", "1000000")
    process = subprocess.Popen(command, cwd=tmp_path, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = ""
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1.0)[0]:
                continue
            try:
                piece = os.read(ours, 4096).decode()
            except OSError:
                break
            if not piece:
                break
            before, shown = shown, shown + piece
            if before.count("steps/s") < 3 <= shown.count("steps/s"):
                process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0, shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert re.search(r"\rstep \d+/1000000  loss \d", shown)
    assert re.search(r"% of 360 held-out digits after \d+ steps", shown)
    assert sorted(os.listdir(tmp_path)) == ["digits.png", "digits.pt"]
