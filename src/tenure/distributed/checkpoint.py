"""Checkpoints that all ranks write, each a part, and that any number of ranks reads.

    run.ckpt/latest                       the name of the last complete checkpoint; replaced at last, as a whole
    run.ckpt/step-7f3a90c2/whole.pt       all that is no tensor, and for each tensor the pieces it is in
    run.ckpt/step-7f3a90c2/2-of-4.pt      the pieces of rank 2, and the states that it alone has

The tensors of a state, end to end, are cut into as many runs of bytes as there are ranks. Each file is one of
``tn.save``, with checksums. A killed writer leaves files that nothing refers to, which the next checkpoint removes.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tenure.distributed.algorithms import meet, objects, octets
from tenure.distributed.collectives import shaped
from tenure.distributed.world import RankGroup, chosen
from tenure.distributed.zero import Sharded
from tenure.dtypes import as_dtype
from tenure.errors import DTypeError, FileError, StateDictError, shown
from tenure.io.checkpoint import RANDOM, put_back, random_state, state_of
from tenure.io.files import writing
from tenure.io.torchfile import load, save
from tenure.ir.aval import Aval
from tenure.runtime.buffers import empty
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor

LATEST, WHOLE, PREFIX = "latest", "whole.pt", "step-"
MARK = "tenure.distributed: tensor"
"""Key of the number that stands for a tensor."""
Piece = tuple[int, int, int]
"""Number of a tensor, and the bytes of it, from and to."""


def save_checkpoint(folder: str | os.PathLike[str], /, *, group: RankGroup | None = None, **parts: Any) -> None:
    """Write the states of a training run to a folder, a part by each rank; all ranks call it.

    ``parts`` are those of ``tn.save_checkpoint``: models, optimizers (of sharded ones each rank writes its own states),
    schedules, loaders, generators, numbers and other data. What all ranks have is written once. The folder has the
    former checkpoint until the new one is complete and on disk. All ranks see one file system.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> tn.distributed.save_checkpoint(folder, model=nn.Linear(2, 1), step=3)
    >>> tn.distributed.load_checkpoint(folder)["step"]
    3
    """
    write(folder, group, parts, {})


def write(folder: Any, group: RankGroup | None, parts: dict[str, Any], own_of_first: dict[str, Any]) -> None:
    """Write a checkpoint, with states that are taken from the first rank alone, as those of random numbers are."""
    into, path = chosen(group), _folder("save_checkpoint", folder)
    if RANDOM in parts:
        raise DTypeError(f"save_checkpoint: {RANDOM!r} is the name of the default generators", help="take another name")
    wait = meet(into, "save_checkpoint(…)", f"{sorted(parts)}")
    name = PREFIX + objects(into, secrets.token_hex(8), wait)[0] if into.size > 1 else PREFIX + secrets.token_hex(8)
    home = path / name
    home.mkdir(parents=True, exist_ok=True)
    own: dict[str, Any] = {}
    states: dict[str, Any] = {}
    for key, x in parts.items():
        states[key] = x.own_state_dict() if isinstance(x, Sharded) else state_of(x)
        if isinstance(x, Sharded):
            own[key], states[key] = states[key]["state"], {**states[key], "state": {}}
    tensors: list[Tensor] = []
    form = {**apart(states, tensors, {}), **own_of_first, RANDOM: random_state()}
    pieces = cut([x._aval.nbytes for x in tensors], into.size)
    mine = [wrap(octets(array_of(tensors[k]))[start:stop].copy()) for k, start, stop in pieces[into.rank]]
    save({"pieces": mine, "own": own}, home / _file(into.rank, into.size))
    if into.rank == 0:
        avals = [(list(x._aval.shape), x._aval.dtype.name) for x in tensors]
        save({"form": form, "avals": avals, "pieces": pieces, "own": sorted(own)}, home / WHOLE)
    meet(into, "the parts of save_checkpoint(…)")
    if into.rank == 0:
        with writing(path / LATEST, "save_checkpoint") as file:
            file.write(name.encode())
    meet(into, "the end of save_checkpoint(…)")  # all ranks see it from here on
    if into.rank == 0:
        for other in path.iterdir():
            if other.name.startswith(PREFIX) and other.name != name:
                shutil.rmtree(other, ignore_errors=True)


def load_checkpoint(
    folder: str | os.PathLike[str], /, *, group: RankGroup | None = None, **parts: Any
) -> dict[str, Any]:
    """Load the states of ``save_checkpoint`` into the parts of the same names, on any number of ranks; all call it.

    Returns what no part was given for, as ``tn.load_checkpoint`` does. FileNotFoundError if there is no checkpoint,
    FileError (TN805) for one that is damaged, StateDictError where a part is not in it; then nothing is loaded.
    """
    into, path = chosen(group), _folder("load_checkpoint", folder)
    meet(into, "load_checkpoint(…)", f"{sorted(parts)}")
    found = read(path)
    missing = [name for name in parts if name not in found]
    if missing:
        raise StateDictError(f"load_checkpoint: the folder has no {missing[0]!r}, but {', '.join(map(repr, found))}")
    return put_back(found, parts)


def has_checkpoint(folder: str | os.PathLike[str], /) -> bool:
    """Whether there is a complete checkpoint in a folder.

    >>> tn.distributed.has_checkpoint("/nowhere")
    False
    """
    return (_folder("has_checkpoint", folder) / LATEST).exists()


def read(path: Path) -> dict[str, Any]:
    """The states in a folder, whole."""
    home = path / (path / LATEST).read_text()
    whole = load(home / WHOLE)
    if not isinstance(whole, dict) or not {"form", "avals", "pieces", "own"} <= whole.keys():
        raise FileError(f"load_checkpoint: {home / WHOLE} is no part of a checkpoint", at=site(here()))
    avals = [Aval(tuple(shape), as_dtype(name)) for shape, name in whole["avals"]]
    arrays = [empty(aval.size, aval.dtype.numpy) for aval in avals]
    own: dict[str, dict[Any, Any]] = {key: {} for key in whole["own"]}
    count = len(whole["pieces"])
    for rank, pieces in enumerate(whole["pieces"]):
        part = load(home / _file(rank, count))
        for (k, start, stop), data in zip(pieces, part["pieces"], strict=True):
            octets(arrays[k])[start:stop] = array_of(data)
        for key, states in part["own"].items():
            own[key].update(states)
    tensors = [shaped(array, aval) for array, aval in zip(arrays, avals, strict=True)]
    found = together(whole["form"], tensors)
    for key, states in own.items():
        found[key]["state"] = dict(sorted(states.items()))
    return found  # type: ignore[no-any-return]


def cut(sizes: Sequence[int], ranks: int) -> list[list[Piece]]:
    """The pieces that each rank writes: equal runs of the bytes of all tensors, end to end."""
    each = -(-sum(sizes) // ranks)
    out: list[list[Piece]] = [[] for _ in range(ranks)]
    at = 0
    for k, size in enumerate(sizes):
        start = 0
        while start < size:
            rank = (at + start) // each
            stop = min(size, (rank + 1) * each - at)
            out[rank].append((k, start, stop))
            start = stop
        at += size
    return out


def _file(rank: int, size: int) -> str:
    return f"{rank}-of-{size}.pt"


def _folder(name: str, folder: Any) -> Path:
    if not isinstance(folder, str | os.PathLike):
        raise DTypeError(f"{name}: folder is a path, not {shown(folder)}")
    return Path(folder)


def apart(x: Any, tensors: list[Tensor], known: dict[int, int]) -> Any:
    """A state with numbers for its tensors; a tensor that occurs twice has one."""
    if isinstance(x, Tensor):
        value = x.detach() if x.requires_grad else x._read()
        if id(x._read()) not in known:
            known[id(x._read())] = len(tensors)
            tensors.append(value)
        return {MARK: known[id(x._read())]}
    if isinstance(x, dict):
        return {key: apart(y, tensors, known) for key, y in x.items()}
    return type(x)([apart(y, tensors, known) for y in x]) if type(x) in (list, tuple) else x


def together(x: Any, tensors: Sequence[Tensor]) -> Any:
    """The state of numbers for tensors."""
    if isinstance(x, dict):
        return tensors[x[MARK]] if MARK in x else {key: together(y, tensors) for key, y in x.items()}
    return type(x)([together(y, tensors) for y in x]) if type(x) in (list, tuple) else x
