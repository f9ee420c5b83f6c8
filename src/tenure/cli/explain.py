"""`tenure explain`: run a script, then show the program that took the most time."""

import argparse
from importlib import import_module

from tenure.cli.script import refuse_missing, run_script
from tenure.errors import TenureError

__all__ = ["add_arguments", "command"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tenure explain`."""
    parser.add_argument("script", help="the Python file to run")
    parser.add_argument("arguments", nargs="*", help="the arguments of the script; options behind --")
    parser.add_argument("--html", metavar="FILE", help="also write a page with the program's graph")


def command(arguments: argparse.Namespace) -> int:
    """Run `tenure explain`; the exit code is the script's."""
    refuse_missing(arguments.script, arguments.parser)
    code: object = 0
    with import_module("tenure.values.run.explain").watched() as longest:
        try:
            run_script(arguments.script, arguments.arguments)
        except SystemExit as end:
            code = end.code
    try:
        found = longest()
    except TenureError as error:
        arguments.parser.error(str(error))
    print(found)
    if arguments.html is not None:
        found.html(arguments.html)
        print(f"wrote {arguments.html}")
    return code if isinstance(code, int) else 0 if code is None else 1
