"""`tenure demo` shows each program and the reports on it."""

from __future__ import annotations

import os
import subprocess
import sys

from tenure.cli.demo import PROGRAMS


def test_demo() -> None:
    done = subprocess.run([sys.executable, "-m", "tenure", "demo"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    parts = done.stdout.split("$ tenure check ")
    assert len(parts) == len(PROGRAMS) + 1
    for program in PROGRAMS:
        for line in program.text.splitlines():
            assert f"    {line}".rstrip() in done.stdout.splitlines()
    first, second, third, fourth = parts[1:]
    assert "no reports" in first
    assert "x_grad = tensor([3.])" in first and "x = tensor([1.4000], requires_grad=True)" in first
    assert "z = tensor([5.1000], grad_fn=<MulBackward0>)" in first
    assert "error[TN506]" in second and "4 |         layers.remove(layer)" in second
    for line in ("4 |     val.data = torch.zeros(3)", "7 | k = a[0]", '9 | print("k =", k)'):
        assert line in third
    for line in ("5 |     val.data = tn.zeros(3)", " 8 | k = a[0]", '10 | print("k =", k)'):
        assert line in fourth
    assert "error[TN506]" in third and "error[TN506]" in fourth and "error[TN594]" in fourth
    assert "TN594: " in fourth.split("$ python")[1] and "--> lent.py:5:5" in fourth


def test_where_it_runs_nothing_is_left() -> None:
    before = sorted(os.listdir())
    subprocess.run([sys.executable, "-m", "tenure", "demo"], capture_output=True, check=True)
    assert sorted(os.listdir()) == before
