"""Running of a PyTorch program on the face: a file, a module or a string, as Python would, without touching it."""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
from collections.abc import Callable
from types import ModuleType, TracebackType
from typing import Any

from tenure.torch.shadow import install

USAGE = "usage: python -m tenure.torch [-m module | -c code | script.py] [arguments …]"
HIDDEN = (__file__, runpy.__file__, "<frozen runpy>")


def main(given: list[str]) -> int:
    """Run what the command line says; the exit code."""
    ranks_in_environment()
    if not given or given[0] in ("-h", "--help"):
        print(USAGE, file=sys.stdout if given else sys.stderr)
        return 0 if given else 2
    if given[0] in ("-m", "-c"):
        if len(given) < 2:
            print(f"{USAGE}\nargument expected for the {given[0]} option", file=sys.stderr)
            return 2
        install()
        return guarded(run_module if given[0] == "-m" else run_code, given[1], given[2:])
    if not os.path.isfile(given[0]) and not os.path.isdir(given[0]):
        print(f"python -m tenure.torch: can't open file {os.path.abspath(given[0])!r}: no such file", file=sys.stderr)
        return 2
    install()
    return guarded(run_file, given[0], given[1:])


def ranks_in_environment() -> None:
    """Set RANK, WORLD_SIZE and LOCAL_RANK as PyTorch's starter does, from those of Open MPI."""
    for name, theirs in (("RANK", "RANK"), ("WORLD_SIZE", "SIZE"), ("LOCAL_RANK", "LOCAL_RANK")):
        found = os.environ.get(f"OMPI_COMM_WORLD_{theirs}")
        if found is not None:
            os.environ.setdefault(name, found)


def guarded(run: Callable[[str, list[str]], None], what: str, arguments: list[str]) -> int:
    """Run, and print an error as Python does, from the program's first line on."""
    try:
        run(what, arguments)
    except Exception as error:
        error.__traceback__ = shown(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def shown(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames that run the program."""
    while trace is not None and trace.tb_frame.f_code.co_filename in HIDDEN:
        trace = trace.tb_next
    return trace


def run_file(script: str, arguments: list[str]) -> None:
    """Run a file as ``python script.py``: its arguments, its folder first on the path."""
    sys.argv = [script, *arguments]
    if os.path.isdir(script):
        runpy.run_path(script, run_name="__main__")
        return
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    with io.open_code(os.path.abspath(script)) as file:
        source = file.read()
    run(compile(source, script, "exec", dont_inherit=True), __file__=script)


def run_module(name: str, arguments: list[str]) -> None:
    """Run a module as ``python -m``."""
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def run_code(source: str, arguments: list[str]) -> None:
    """Run a string as ``python -c``."""
    sys.argv = ["-c", *arguments]
    run(compile(source, "<string>", "exec", dont_inherit=True))


def run(code: Any, **names: Any) -> None:
    """Run code as the main module."""
    module = ModuleType("__main__")
    vars(module).update(__builtins__=builtins, __annotations__={}, **names)
    sys.modules["__main__"] = module
    exec(code, vars(module))
