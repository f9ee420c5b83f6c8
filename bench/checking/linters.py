"""The linters that know of loops over what they change: ruff's B909 and pylint's W4701 to W4703."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["Found", "pylint", "ruff"]

PYLINT = "pylint==4.1.4"
MESSAGES = "modified-iterating-list,modified-iterating-dict,modified-iterating-set"
CHUNK = 200

Found = dict[str, set[tuple[str, int]]]
"""What was reported, by file: message and line."""


def ruff(folder: Path) -> Found:
    """B909 on every file of a folder."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--preview", "--no-cache", "--exit-zero"]
    command += ["--select", "B909", "--output-format", "json", str(folder)]
    found: Found = {}
    for row in json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout):
        found.setdefault(row["filename"], set()).add((row["code"], row["location"]["row"]))
    return found


def pylint(files: list[str], cache: Path) -> Found:
    """The modified-iterating messages on files, by a pylint that is installed into an environment of its own."""
    home = cache / PYLINT
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PYLINT], check=True)
    found: Found = {}
    for start in range(0, len(files), CHUNK):
        command = [str(python), "-m", "pylint", "--rcfile=/dev/null", "--disable=all", f"--enable={MESSAGES}"]
        command += ["--output-format=json", "--exit-zero", *files[start : start + CHUNK]]
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for row in json.loads(out):
            found.setdefault(row["path"], set()).add((row["symbol"], row["line"]))
    return found
