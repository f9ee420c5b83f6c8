"""Arrays that share a tensor's elements, written in place: the tensor has what was written, or a read stops."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import pytest

import tenure.torch as face
from tenure.errors import BorrowError, OwnershipError

PROGRAMS = 3_000 if os.environ.get("TENURE_FUZZ") else 120
TENSORS = (
    "torch.arange(6.).reshape(2, 3)", "torch.ones(2, 3)", "w * 2", "torch.arange(6.).reshape(3, 2).T * 1", "w * w",
    "torch.arange(12.).reshape(2, 6)[:, ::2]",
)  # fmt: skip
VIEWS = ("{t}[0]", "{t}[:, 1]", "{t}.T", "{t}.reshape(-1)", "{t}[..., 1:]", "{t}.detach()", "{t}.detach().unsqueeze(0)")
ARRAYS = ("{t}.detach().numpy()", "{t}.detach().cpu().numpy()", "np.asarray({t}.detach())", "{t}[:1].detach().numpy()")
OF_ARRAYS = ("{n}[0]", "{n}[..., 1:]", "{n}.T", "{n}.ravel()", "{n}")
ARRAY_WRITES = (
    "{n}[...] = {k}", "{n} *= 255", "np.add({n}, 1, out={n})", "np.clip({n}, 0, 2, out={n})", "{n}[..., 0] = {k}",
    "rng.shuffle({n})", "{n}.sort()", "{n}.fill({k})", "np.multiply({n}, {n}, out={n})", "np.copyto({n}, {k})",
)  # fmt: skip
WRITES = ("{t}.add_(1)", "{t}[0] = {k}", "{t}.fill_({k})", "{t}.detach().mul_(2)", "{t}.data[..., 0] = {k}")
READS = ("{t}.tolist()", "({t} * 2).sum().item()", "{t}[0].tolist()", "({t} + {t}.detach()).sum().item()")


class World:
    """The names of a program, in one library."""

    def __init__(self, library: Any) -> None:
        self.names = {"torch": library, "np": np, "rng": np.random.default_rng(0), "out": []}
        self.do("w = torch.arange(6.).reshape(2, 3).requires_grad_()")

    def do(self, line: str) -> str | None:
        """Run a line: the kind of its error."""
        try:
            exec(line, self.names)
        except (BorrowError, OwnershipError):
            return "stop"
        except Exception as error:
            return "stop" if "read-only" in str(error) or "modified by an inplace" in str(error) else "error"
        return None


def line(r: random.Random, tensors: list[str], arrays: list[str]) -> str:
    """A random line of a program."""
    kind, t, k = r.random(), r.choice(tensors or ["w"]), r.randrange(5)
    n = r.choice(arrays) if arrays else None
    if not tensors or kind < 0.12:
        return f"t{len(tensors)} = " + r.choice([r.choice(TENSORS), *[v.format(t=t) for v in VIEWS * bool(tensors)]])
    if n is None or kind < 0.26:
        return f"n{len(arrays)} = " + r.choice([a.format(t=t) for a in ARRAYS])
    if kind < 0.34:
        return f"n{len(arrays)} = " + r.choice(OF_ARRAYS).format(n=n)
    if kind < 0.39:
        return f"t{len(tensors)} = torch.from_numpy({n})"
    if kind < 0.42:
        return f"{n} = np.zeros((2, 3), np.float32)"
    if kind < 0.68:
        return r.choice(ARRAY_WRITES).format(n=n, k=k)
    if kind < 0.75:
        return r.choice(WRITES).format(t=t, k=k)
    if kind < 0.79:
        return f"out.append({n}.tolist())"
    if kind < 0.82:
        return f"w.grad = None; ({t} * w.sum()).sum().backward(retain_graph=True); out.append(w.grad.tolist())"
    return "out.append(" + r.choice(READS).format(t=t) + ")"


def run(seed: int, library: Any, mode: str) -> tuple[str, list[str]]:
    """How a program ended in two libraries, and its lines."""
    r, lines, tensors, arrays = random.Random(seed), list[str](), list[str](), list[str]()
    theirs, ours = World(library), World(face)
    with face.aliasing(mode):
        for _ in range(r.randrange(8, 25)):
            lines.append(line(r, tensors, arrays))
            found, wanted = ours.do(lines[-1]), theirs.do(lines[-1])
            if "stop" in (found, wanted):  # of PyTorch's: a saved value that was written, which may go on here
                return "stopped", lines
            if (found is None) != (wanted is None):
                return f"{wanted} in PyTorch, {found} here", lines
            one, other = [world.names["out"][-1:] for world in (theirs, ours)]
            if not np.allclose(np.array(one), np.array(other), rtol=1e-5, equal_nan=True):
                return f"{one} in PyTorch, {other} here", lines
            name = lines[-1].split(" = ")[0]
            for names in (tensors, arrays) if found is None else ():
                if name == "tn"[names is arrays] + str(len(names)):
                    names.append(name)
    return "equal", lines


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["safe", "pytorch"])
def test_programs_with_written_arrays_are_pytorchs_or_stop(mode: str) -> None:
    import torch

    ends = [run(seed, torch, mode) for seed in range(PROGRAMS)]
    assert not [end for end in ends if end[0] not in ("equal", "stopped")]
    assert sum(end == "equal" for end, _ in ends) > PROGRAMS // (3 if mode == "safe" else 2)
