"""The programs of the README run, and what it says of them is so."""

import re
from pathlib import Path

import pytest

import tenure as tn

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_seed_program(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(PROGRAMS[0], "<readme>", "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1] == "z = tensor([5.1000], grad_fn=<MulBackward0>)"


def test_the_training_loop() -> None:
    batches = [(tn.rand(8, 64), tn.arange(8)) for _ in range(3)]
    scope = {"batches": batches}
    exec(compile(PROGRAMS[1], "<readme>", "exec"), scope)
    assert scope["loss"].item() > 0


def test_the_laws_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    scope = {"tn": tn}
    with pytest.raises(tn.StaleBorrowError):
        exec(compile(PROGRAMS[2], "<readme>", "exec"), scope)
    assert capsys.readouterr().out == "tensor(1.)\n"
    assert scope["x"].tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(tn.WriteError):
        scope["x"][0] = 9.0


def test_no_link_breaks_on_a_package_page() -> None:
    targets = re.findall(r"\]\(([^)\s]*)|^\[[^]]+\]:\s*(\S+)|(?:href|src)=[\"']?([^\"'\s>]+)", README, re.MULTILINE)
    assert [target for target in map("".join, targets) if not target.startswith("https://")] == []


def test_the_files_it_names_exist() -> None:
    named = re.findall(r"`((?:[\w-]+/)+[\w.-]+|[A-Z]+[\w-]*\.md|LICENSE-\w+)`", README)
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []
