"""Running of a user's script as Python would."""

import argparse
import os
import runpy
import sys

__all__ = ["add_script", "refuse_missing", "run_script"]


def add_script(parser: argparse.ArgumentParser) -> None:
    """The script that a command runs, its arguments, and what `torch` is in it."""
    parser.add_argument("--torch", action="store_true", help="run a PyTorch program on Tenure: `torch` is tenure.torch")
    parser.add_argument("script", help="the Python file to run")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the arguments of the script")


def refuse_missing(script: str, parser: argparse.ArgumentParser) -> None:
    """Exit with a usage error if the script does not exist."""
    if not os.path.isfile(script):
        parser.error(f"there is no file {script!r}")


def run_script(script: str, arguments: list[str]) -> None:
    """Run `script` as `python script` would: its own arguments, its own folder first on the path."""
    sys.argv = [script, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    runpy.run_path(script, run_name="__main__")
