"""`tenure lsp`: the language server, on standard input and output. It needs the extra `lsp`."""

import argparse
import sys
from importlib import import_module

__all__ = ["add_arguments", "command"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tenure lsp`."""
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output, as it does anyway")
    parser.add_argument("--strict", action="store_true", help="also report possible errors")


def command(arguments: argparse.Namespace) -> int:
    """Run `tenure lsp` until the editor ends it."""
    try:
        server = import_module("tenure.cli.server")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        print("tenure lsp: it needs pygls: pip install 'tenure[lsp]'", file=sys.stderr)
        return 2
    server.made(strict=arguments.strict).start_io()
    return 0
