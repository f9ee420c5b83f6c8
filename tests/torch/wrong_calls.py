"""Wrong calls of PyTorch's operations against the face: the class of what is raised, and the first line of its words.

    python -m tests.torch.wrong_calls                every operation that the database of operations knows
    python -m tests.torch.wrong_calls --show add     what is unlike, of some

A sample of each operation is spoilt in turn: an argument of another kind, of another shape or dtype, too many, too few.
"""

from __future__ import annotations

import argparse
import collections
import re
import warnings
from collections.abc import Iterator
from typing import Any

import torch

import tenure.torch as face
from tests.torch.opinfo import Missing, attempt, face_of, in_scope, op_db, taken_over

KINDS: tuple[Any, ...] = ("a", None, 1.5, [1, 2], 99, -99)
Call = tuple[str, tuple[Any, ...], dict[str, Any]]


def spoilt(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Call]:
    """A good call, spoilt in each way."""
    for k, x in enumerate(args):
        for wrong in (*KINDS, *others(x)):
            if not (type(wrong) is type(x) and wrong is x):
                yield f"argument {k}: {said(wrong)}", (*args[:k], wrong, *args[k + 1 :]), kwargs
    for name, x in kwargs.items():
        for wrong in (*KINDS, *others(x)):
            yield f"{name}={said(wrong)}", args, {**kwargs, name: wrong}
    yield "too few", args[:-1], kwargs
    yield "too many", (*args, "a", "b", "c", "d", "e"), kwargs
    yield "unknown keyword", args, {**kwargs, "nonsense": 1}


def others(x: Any) -> tuple[Any, ...]:
    """Tensors of another shape and dtype than an argument that is one."""
    if not isinstance(x, torch.Tensor):
        return (torch.ones(2, 3),)
    return (torch.ones(7), torch.ones(1, 1, 1, 1, 1, 1, 1), torch.ones(x.shape, dtype=torch.int16), torch.ones(0))


def said(x: Any) -> str:
    """A wrong argument in a line."""
    return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}" if isinstance(x, torch.Tensor) else repr(x)


def first_line(error: Exception) -> str:
    """The first line of what an error says, addresses aside."""
    return re.sub(r"0x\w+", "0x", str(error).splitlines()[0] if str(error) else "")


def read(x: Any) -> None:
    """Read what a call gave: some errors come then."""
    for part in x if isinstance(x, tuple | list) else [x]:
        if isinstance(part, face.Tensor):
            part.detach().numpy()


def of_face(fn: Any, given: Any) -> Exception | None:
    """What the face raises, at the call or at the read."""
    out, error = attempt(fn, *given[0], **given[1])
    return error if error is not None else attempt(read, out)[1]


def sample_of(op: Any) -> Any:
    """The sample with most arguments among a few of an operation, of floats where it has them; None without."""
    dtype = torch.float32 if torch.float32 in op.dtypes else torch.int64
    try:
        found = [s for s, _ in zip(op.sample_inputs("cpu", dtype, requires_grad=False), range(6), strict=False)]
    except Exception:
        return None
    return max(found, key=lambda s: len(s.args) + len(s.kwargs), default=None)


def compared(names: list[str], every: int, show: bool) -> collections.Counter[str]:
    """How many wrong calls are alike in class and words, and how many are accepted here or there."""
    tally: collections.Counter[str] = collections.Counter()
    for op in op_db()[::every]:
        if not in_scope(op) or (names and op.name not in names) or op.variant_test_name:
            continue
        sample = sample_of(op)
        if sample is None:
            continue
        try:
            mine = face_of(op)
        except Missing:
            continue
        for about, args, kwargs in spoilt((sample.input, *sample.args), sample.kwargs):
            theirs = attempt(op.op, *args, **kwargs)[1]
            if theirs is None:
                continue
            try:
                ours = of_face(mine, taken_over([list(args), kwargs], {}))
            except Missing:
                continue
            kind = verdict(theirs, ours)
            tally[kind] += 1
            if show and kind != "equal":
                print(f"{kind}: {op.name}: {about}\n   P {type(theirs).__name__}: {first_line(theirs)[:200]}")
                print("   T nothing" if ours is None else f"   T {type(ours).__name__}: {first_line(ours)[:200]}")
    return tally


def verdict(theirs: Exception, ours: Exception | None) -> str:
    """How two errors are unlike."""
    if ours is None:
        return "accepted"
    if type(ours).__name__ != type(theirs).__name__:
        return "class"
    return "equal" if first_line(ours) == first_line(theirs) else "words"


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--every", type=int, default=1, help="of so many operations one")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    tally = compared(given.names, given.every, given.show)
    total = sum(tally.values())
    parts = [f"{kind} {n} ({100 * n / total:.1f} %)" for kind, n in sorted(tally.items())]
    print(f"{total} wrong calls: {', '.join(parts)}")


if __name__ == "__main__":
    main()
