"""The commands and their arguments. Exit codes: 0 done, 2 a mistake on the command line."""

import argparse
import os
import runpy
import sys
from collections.abc import Sequence
from importlib import import_module
from textwrap import fill

from tenure import __version__
from tenure.codes import LAWS, Law
from tenure.errors import TenureError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `tenure` command on `argv` (`sys.argv[1:]` if None) and return its exit code."""
    parser, rule, run, explain = _parsers()
    arguments = parser.parse_args(argv)
    if arguments.command == "rule":
        return _rule(arguments.code, rule)
    if arguments.command == "explain":
        return _explain(arguments.script, arguments.arguments, arguments.html, explain)
    return _run(arguments.script, arguments.arguments, run)


def _parsers() -> tuple[argparse.ArgumentParser, ...]:
    parser = argparse.ArgumentParser(prog="tenure", description="An autograd tensor library with ownership.")
    parser.add_argument("--version", action="version", version=f"tenure {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    rule = commands.add_parser("rule", help="print a law, or the table of laws")
    rule.add_argument("code", nargs="?", help="the law's code, such as TN506")

    run = commands.add_parser("run", help="run a script")
    run.add_argument("script", help="the Python file to run")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script finds in sys.argv")

    explain = commands.add_parser("explain", help="run a script, and show what its longest-running program does")
    explain.add_argument("script", help="the Python file to run")
    explain.add_argument("arguments", nargs="*", help="what the script finds in sys.argv; options behind --")
    explain.add_argument("--html", metavar="FILE", help="also write a page with the program's graph")
    return parser, rule, run, explain


def _rule(code: str | None, parser: argparse.ArgumentParser) -> int:
    if code is None:
        width = max(len(law.name) for law in LAWS.values())
        for law in LAWS.values():
            print(f"{law.code}  {law.name:{width}}  {law.rust or ''}".rstrip())
        return 0
    named = LAWS.get(code.upper())
    if named is None:
        parser.error(f"there is no law {code!r}; the laws are {', '.join(LAWS)}")
    print(_page(named))
    return 0


def _page(law: Law) -> str:
    rust = f" (Rust's {law.rust})" if law.rust else ""
    sentence = law.sentence[0].upper() + law.sentence[1:] + "."
    advice = fill(f"help: {law.advice}", width=88, subsequent_indent="      ")
    return f"{law.code}: {law.name}{rust}\n\n{fill(sentence, width=88)}\n\n{advice}"


def _run(script: str, arguments: list[str], parser: argparse.ArgumentParser) -> int:
    """Run `script` as `python script` would: its own arguments, its own folder first on the path."""
    if not os.path.isfile(script):
        parser.error(f"there is no file {script!r}")
    sys.argv = [script, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    runpy.run_path(script, run_name="__main__")
    return 0


def _explain(script: str, arguments: list[str], html: str | None, parser: argparse.ArgumentParser) -> int:
    """Run `script`, then explain the program in which it has spent most time."""
    if not os.path.isfile(script):
        parser.error(f"there is no file {script!r}")
    code: object = 0
    with import_module("tenure.values.explain").watched() as longest:
        try:
            _run(script, arguments, parser)
        except SystemExit as end:
            code = end.code
    try:
        found = longest()
    except TenureError as error:
        parser.error(str(error))
    print(found)
    if html is not None:
        found.html(html)
        print(f"wrote {html}")
    return code if isinstance(code, int) else 0 if code is None else 1
