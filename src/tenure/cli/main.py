"""The commands and their arguments. Exit codes: 0 done, 2 a mistake on the command line."""

import argparse
import os
import runpy
import sys
from collections.abc import Sequence
from textwrap import fill

from tenure import __version__
from tenure.codes import LAWS, Law

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the `tenure` command on `argv` (`sys.argv[1:]` if None) and return its exit code."""
    parser, rule, run = _parsers()
    arguments = parser.parse_args(argv)
    if arguments.command == "rule":
        return _rule(arguments.code, rule)
    return _run(arguments.script, arguments.arguments, run)


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(prog="tenure", description="An autograd tensor library with ownership.")
    parser.add_argument("--version", action="version", version=f"tenure {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    rule = commands.add_parser("rule", help="print a law, or the table of laws")
    rule.add_argument("code", nargs="?", help="the law's code, such as TN506")

    run = commands.add_parser("run", help="run a script")
    run.add_argument("script", help="the Python file to run")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script finds in sys.argv")
    return parser, rule, run


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
