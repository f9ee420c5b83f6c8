"""`tenure run`: check a script and its local imports, refuse what is certain to fail, then run it."""

import argparse
import sys
from importlib import import_module

from tenure.check.discover import imported
from tenure.check.session import Sources, certain
from tenure.check.settings import Found, SettingsError
from tenure.cli.script import add_script, refuse_missing, run_script
from tenure.report.style import painter_for
from tenure.report.text import render

__all__ = ["add_arguments", "command"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tenure run`."""
    parser.add_argument("--no-check", action="store_true", help="run without a check")
    add_script(parser)


def command(arguments: argparse.Namespace) -> int:
    """Run `tenure run`, and return 1 if the script is refused, else the script's own exit code."""
    refuse_missing(arguments.script, arguments.parser)
    if not arguments.no_check and _refused(arguments.script):
        return 1
    if arguments.torch:
        return import_module("tenure.torch.launch").main([arguments.script, *arguments.arguments])  # type: ignore[no-any-return]
    run_script(arguments.script, arguments.arguments)
    return 0


def _refused(script: str) -> bool:
    """Whether a run is certain to break a law; the reports are printed."""
    try:
        found = certain(script, imported(script, Found()))
    except SettingsError as error:
        print(f"tenure run: {error}", file=sys.stderr)
        return True
    paint, lines = painter_for(sys.stderr), Sources()
    for one in found:
        print(render(one, lines, paint), end="\n\n", file=sys.stderr)
    if found:
        print(f"{script} is not run; --no-check runs it all the same", file=sys.stderr)
    return bool(found)
