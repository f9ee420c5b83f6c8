"""The `tenure` command: its subcommands. Exit codes: 0 done, 1 reports, 2 a mistake on the command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tenure import __version__

__all__ = ["main"]

_COMMANDS = {
    "check": "report writes to objects that are still in use, before the program runs",
    "lsp": "serve an editor: reports, quick fixes, and the rules",
    "launch": "run a script as several processes on MPI",
    "run": "check a script, then run it",
    "rule": "print a law or a rule, or the table of them",
    "explain": "run a script, and show its longest-running program",
    "demo": "show four programs, and the reports on them",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `tenure` command on `argv` (`sys.argv[1:]` if None) and return its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="tenure", description="An autograd tensor library with ownership.")
    parser.add_argument("--version", action="version", version=f"tenure {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    asked = next((word for word in given if not word.startswith("-")), None)
    for name, help in _COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        if name == asked:
            _module(name).add_arguments(command)
            command.set_defaults(parser=command)
    arguments = parser.parse_args(given)
    try:
        return _module(arguments.command).command(arguments)  # type: ignore[no-any-return]
    except BrokenPipeError:  # the reader of the output has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _module(command: str) -> Any:
    """The module of a subcommand, imported on demand, so that each loads only its own dependencies."""
    return import_module(f"tenure.cli.{command}")
