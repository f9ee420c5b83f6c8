"""`tenure launch`: run a script as several ranks on MPI, and start it anew when the job has lost a rank."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tenure.cli.script import add_script, refuse_missing

__all__ = ["add_arguments", "command"]

TRY_AGAIN = 75
"""Exit code of a job that has lost a rank, and could not go on without it."""
INTERRUPTED, SIGNALS = 130, 64
NONE = """tenure launch: there is no MPI to be found (mpirun, mpiexec)
  pip install 'tenure[distributed]'    installs Open MPI and mpi4py from the package index
  on a cluster: load its MPI module, and pip install mpi4py for it"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `tenure launch`."""
    parser.add_argument("-n", "--ranks", type=_count, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--hosts", help="machines and how many ranks each takes: a:4,b:4")
    parser.add_argument("--restarts", type=int, default=3, help="new starts of a job that has lost a rank")
    parser.add_argument("--dry-run", action="store_true", help="print the command only")
    add_script(parser)


def command(arguments: argparse.Namespace) -> int:
    """Run `tenure launch`: gives the exit code of the job, 2 if there is no MPI."""
    refuse_missing(arguments.script, arguments.parser)
    starter = found()
    if starter is None:
        print(NONE, file=sys.stderr)
        return 2
    program = ["-m", "tenure.torch"] * arguments.torch + [arguments.script, *arguments.arguments]
    line = [*starter_line(starter, arguments), sys.executable, *program]
    if arguments.dry_run:
        print(" ".join(line))
        return 0
    for again in range(arguments.restarts + 1):
        code = run(line)
        if not is_lost(code) or again == arguments.restarts:
            return code
        print(f"tenure launch: the job has lost a rank; it is started anew ({again + 1})", file=sys.stderr, flush=True)
    return 0


def found() -> str | None:
    """The starter of an MPI: that of this environment first."""
    here = str(Path(sys.executable).parent)
    path = os.pathsep.join([here, os.environ.get("PATH", "")])
    return next((hit for name in ("mpirun", "mpiexec") if (hit := shutil.which(name, path=path))), None)


def starter_line(starter: str, arguments: argparse.Namespace) -> list[str]:
    """The command up to the program; with Open MPI for more ranks than processors, and able to go on without one."""
    line = [starter, "-n", str(arguments.ranks)]
    if arguments.hosts:
        line += ["--host" if is_open(starter) else "-hosts", arguments.hosts]
    if is_open(starter):
        line += ["--oversubscribe", "--bind-to", "none"]
        line += ["--allow-run-as-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        line += ["--with-ft", "ulfm"] if goes_on(starter) else []
    return line


def is_open(starter: str) -> bool:
    """Whether it is Open MPI's."""
    said = subprocess.run([starter, "--version"], capture_output=True, text=True, check=False)
    return "Open MPI" in said.stdout or "prterun" in said.stdout


def goes_on(starter: str) -> bool:
    """Whether this Open MPI can go on without a rank that has died."""
    info = Path(starter).with_name("ompi_info")
    if not info.exists():
        return False
    return "FT MPI support: yes" in subprocess.run([info], capture_output=True, text=True, check=False).stdout


def run(line: list[str]) -> int:
    """Run a job to its end; Ctrl-C goes to it, too."""
    with subprocess.Popen(line) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def is_lost(code: int) -> bool:
    """Whether an exit code says that a rank was killed."""
    return code == TRY_AGAIN or code < 0 or (128 < code <= 128 + SIGNALS and code != INTERRUPTED)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number of processes is 1 or more, not {text!r}")
    return int(text)
