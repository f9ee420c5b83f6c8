"""`tenure demo`: four programs, the checker's reports on them, and the output of those that run."""

import argparse
import os
import runpy
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tenure.check.engine import check
from tenure.check.session import Sources
from tenure.errors import TenureError
from tenure.report.style import Painter, painter_for
from tenure.report.text import render

__all__ = ["PROGRAMS", "Program", "add_arguments", "command"]


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the demonstration: its file name, its title, its text, and whether it is run."""

    name: str
    title: str
    text: str
    runs: bool


PROGRAMS = (
    Program(
        "gradients.py",
        "Written for PyTorch, with only its import line changed: nothing to report, and it runs",
        """\
import tenure as torch

x = torch.tensor([2], requires_grad=True, dtype=torch.float)
y = torch.tensor([3], requires_grad=True, dtype=torch.float)
for _ in range(2):
    z = x * y
    z.backward()
    x.data = x.data - 0.1 * x.grad
    print("x_grad =", x.grad)
    print("x =", x)
    x.grad.data.zero_()
print("z =", z)
""",
        True,
    ),
    Program(
        "iteration.py",
        "A list that changes while it is iterated: Python runs it and skips items; the checker reports it",
        """\
layers = ["conv", "drop", "drop", "linear"]
for layer in layers:
    if layer == "drop":
        layers.remove(layer)
print(layers)
""",
        False,
    ),
    Program(
        "alias.py",
        "A write far away, through another name: the checker names the alias, the write and the later use",
        """\
import torch

def reset(val: torch.Tensor):
    val.data = torch.zeros(3)

a = [torch.ones(3)]
k = a[0]
reset(a[0])
print("k =", k)
""",
        False,
    ),
    Program(
        "lent.py",
        "In Tenure a signature can say that an argument is only lent: the checker keeps it, and so does a run",
        """\
import tenure as tn

@tn.checked
def reset(val: tn.Ref[tn.Tensor]):
    val.data = tn.zeros(3)

a = [tn.ones(3).mut()]
k = a[0]
reset(a[0])
print("k =", k)
""",
        True,
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`tenure demo` takes no arguments."""


def command(arguments: argparse.Namespace) -> int:
    """Run `tenure demo`."""
    paint = painter_for(sys.stdout)
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        for number, program in enumerate(PROGRAMS, 1):
            _show(number, program, paint)
    print("Next: `tenure check` on your own code, `tenure rule` for the laws.")
    return 0


def _show(number: int, program: Program, paint: Painter) -> None:
    with open(program.name, "w", encoding="utf-8") as file:
        file.write(program.text)
    print(paint("title", f"{number}. {program.title}"), end="\n\n")
    print("\n".join(f"    {line}".rstrip() for line in program.text.splitlines()), end="\n\n")
    print(paint("help", f"$ tenure check {program.name}"))
    found, lines = check([program.name]).diagnostics, Sources()
    print("\n\n".join(render(one, lines, paint) for one in found) or "no reports", end="\n\n")
    if program.runs:
        print(paint("help", f"$ python {program.name}"))
        try:
            runpy.run_path(program.name, run_name="__main__")
        except TenureError as error:
            print(error.render(paint))
        print()


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
