"""Runs programs on the face, or on PyTorch, each in a fork: ``python -m tests.torch.hazard_runs MODE FILE …``.

A line of JSON for each: `got`, `want` and the line of the error with its class.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings


def outcome(path: str) -> dict:
    """What becomes of a program."""
    with open(path, encoding="utf-8") as file:
        source = file.read()
    scope = {"__name__": "__main__", "__file__": path}
    try:
        exec(compile(source, path, "exec"), scope)
    except Exception as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        return {"error": type(error).__name__, "lines": lines}
    return {"got": repr(scope["got"]), "equal": scope["got"] == scope["want"]}


def main(mode: str, *paths: str) -> None:
    """Run all, one after the other."""
    warnings.simplefilter("ignore")
    if mode != "torch":
        os.environ["TENURE_ALIASING"] = mode
        from tenure.torch.shadow import install

        install()
    import torch

    torch.set_num_threads(1)
    for path in paths:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            print(json.dumps([os.path.basename(path)[:-3], outcome(path)]), flush=True)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
