"""Honest programs print what PyTorch prints and none is stopped; true aliases are stopped, with both lines named.

`honest.txt` and `stopped.txt` have a program behind each line `# title`. In a stopped one `# taken`, `# written` and
`# read` mark the lines of the alias, of the write, and of the read, at which it is stopped.
"""

from __future__ import annotations

import copy
import io
import linecache
import os
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import tenure as tn
import tenure.torch as face
from tests.torch.test_programs import check_alike

pytestmark = pytest.mark.peers
FILES = Path(__file__).parent


def programs(file: str) -> list[tuple[str, str]]:
    """Titles and programs of a file; the gate takes a third."""
    parts = re.split(r"(?m)^# ", (FILES / file).read_text(encoding="utf-8"))[1:]
    every = 1 if os.environ.get("TENURE_FUZZ") else 3
    return [tuple(part.split("\n", 1)) for part in parts][::every]


class Layers:
    """`nn` whose layers have the same parameters in every library."""

    def __init__(self, library) -> None:
        self.library = library

    def __getattr__(self, name: str):
        found = getattr(self.library.nn, name)
        if name not in ("Linear", "Conv2d", "RNNCell", "Embedding"):
            return found

        def build(*args, **options):
            layer = found(*args, **options)
            with self.library.no_grad():
                for k, p in enumerate(layer.parameters()):
                    p.copy_((self.library.arange(p.numel()) * 1.7 + k).cos().view(p.shape) * 0.5)
            return layer

        return build


def run(library, title: str, source: str) -> str:
    """What a program prints."""
    name = f"<{title}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope = {"torch": library, "nn": Layers(library), "F": library.nn.functional, "np": np, "copy": copy, "io": io}
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(source, name, "exec"), scope | {"__name__": "program"})
    return out.getvalue()


@pytest.mark.parametrize(("title", "source"), programs("honest.txt"), ids=[t for t, _ in programs("honest.txt")])
def test_an_honest_program_prints_what_pytorch_prints(title, source):
    import torch

    check_alike(run(face, title, source), run(torch, title, source))


@pytest.mark.parametrize(("title", "source"), programs("stopped.txt"), ids=[t for t, _ in programs("stopped.txt")])
def test_a_true_alias_is_stopped_where_it_is_read(title, source):
    lines = source.splitlines()

    def marked(mark: str) -> list[int]:
        return [k for k, line in enumerate(lines, 1) if re.search(rf"#.*\b{mark}\b", line)]

    with pytest.raises(tn.TenureError) as caught:
        run(face, title, source)
    assert [caught.value.at.line] == marked("read")
    noted = {at.line for _, at in caught.value.notes}
    assert set(marked("taken")) <= noted
    assert set(marked("written")) <= noted | {caught.value.at.line}
