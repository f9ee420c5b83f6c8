"""Running of variants beside their originals: a variant counts only if it goes wrong as the original does.

Programs that show nothing (functions without a caller), and those whose libraries are not installed, count by
construction: a dress moves statements and renames names, and leaves their order and their values alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import sys
import tempfile
from pathlib import Path

from tests.check.variants import Variant, original, variants, written
from tests.check.variants.programs import pairs

DIFFERING = Path(__file__).with_name("differing.txt")
_SECONDS = 10


def key(variant: Variant) -> str:
    """The first words of a variant's line in the list of those that behave otherwise."""
    return f"{variant.name}\t{variant.dress}\t{'wrong' if variant.wrong else 'right'}"


def differing() -> set[str]:
    """The keys of the variants that do not behave as their originals."""
    lines = DIFFERING.read_text(encoding="utf-8").splitlines() if DIFFERING.exists() else []
    return {line.rpartition("\t")[0] for line in lines if not line.startswith("#")}


def compare() -> list[tuple[Variant, object, object]]:
    """Run all that can be run; the variants whose outcome is another, with both outcomes."""
    out = []
    _libraries()
    for pair in pairs():
        print(pair.name, flush=True)
        present = [wrong for wrong, text in ((True, pair.wrong), (False, pair.right)) if text]
        expected = {wrong: outcome(original(pair, wrong)) for wrong in present}
        with tempfile.TemporaryDirectory() as name:
            for variant in variants(pair, Path(name)):
                before = expected[variant.wrong]
                if before is not None and variant.dress not in ("annotated", "uncalled", "factory"):
                    after = outcome(variant)
                    if after != before and not (variant.dress == "loop" and _ends_alike(before, after)):
                        out.append((variant, before, after))
    return out


def _libraries() -> None:
    """Load what most programs import, once for all children."""
    with contextlib.suppress(ImportError):
        import torch.utils.data

        torch.set_num_threads(1)
        place = torch.ones(1, requires_grad=True)
        place.grad = torch.ones(1)
        torch.optim.SGD([place]).step()


def outcome(variant: Variant) -> object:
    """The error, whether it got what it wanted, and what was printed; None if it shows nothing or cannot be run."""
    with tempfile.TemporaryDirectory() as name:
        written(variant, Path(name))
        inlet, outlet = os.pipe()
        child = os.fork()
        if not child:
            os.close(inlet)
            _child(Path(name) / variant.main, outlet)
        os.close(outlet)
        ready, _, _ = select.select([inlet], [], [], _SECONDS)
        text = os.read(inlet, 65536).decode() if ready else ""
        os.close(inlet)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not text:
        return ["no end"]
    error, right, printed = json.loads(text)
    if error == "ModuleNotFoundError" or [error, right, printed] == [None, None, ""]:
        return None
    return [error, right] if right is not None or error else [error, right, printed]


def _ends_alike(before: object, after: object) -> bool:
    """Whether what a loop prints ends with what one round prints."""
    match before, after:
        case [None, None, str(once)], [None, None, str(twice)]:
            return twice.endswith(once)
    return False


def _child(path: Path, outlet: int) -> None:
    os.setsid()  # what it starts ends with it
    sys.path.insert(0, str(path.parent.parent if path.name == "main.py" else path.parent))
    scope: dict[str, object] = {"__name__": "__main__", "__file__": str(path)}
    printed, error = io.StringIO(), None
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        try:
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
        except BaseException as raised:
            error = type(raised).__name__
    right = scope["got"] == scope["want"] if "got" in scope and "want" in scope else None
    os.write(outlet, json.dumps([error, right, printed.getvalue()[-4000:]]).encode())
    os._exit(0)
