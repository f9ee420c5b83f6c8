"""Checkpoints of a training run: the states of all that has one, and of the random numbers, in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, StateDictError, shown
from tenure.io.torchfile import load, save
from tenure.values.operations.creation import wrap
from tenure.values.operations.generator import Generator
from tenure.values.operations.streams import States, restore, states
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.io.files import Readable, Writable

RANDOM = "random"
"""Key of the states of the default generators."""


def save_checkpoint(f: Writable, /, **parts: Any) -> None:
    """Write the states of a training run to one file: of each part its ``state_dict()``, or itself if it is data.

    Parts are models, optimizers, schedulers, loaders (whose state is their position), ``tn.Generator``, and numbers
    and other data, by names of your own. The default generators of Tenure, of Python's ``random`` and of NumPy are
    saved too. So ``load_checkpoint`` goes on with the same bits as if nothing had happened. The file is one of
    ``tn.save``: it replaces a former one as a whole or not at all. DTypeError (TN802) for what has no state and is no
    data.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "run.pt"
    >>> net = nn.Linear(2, 1)
    >>> tn.save_checkpoint(path, model=net, optimizer=optim.Adam(net.parameters()), epoch=3)
    >>> tn.load_checkpoint(path, model=net)["epoch"]
    3
    """
    if RANDOM in parts:
        raise DTypeError(f"save_checkpoint: {RANDOM!r} is the name of the default generators", help="take another name")
    save({**{name: state_of(x) for name, x in parts.items()}, RANDOM: random_state()}, f)


def load_checkpoint(f: Readable, /, **parts: Any) -> dict[str, Any]:
    """Load the states of a file of ``save_checkpoint`` into the parts of the same names, and put back random numbers.

    Returns what no part was given for, by name: numbers and other data, and states. Nothing is loaded where a part is
    not in the file (StateDictError); FileError (TN805) for a file that is damaged. Of a loader the next iteration goes
    on behind the batch that was handed out last.

    >>> import io
    >>> f = io.BytesIO()
    >>> g = tn.Generator(0)
    >>> tn.save_checkpoint(f, noise=g, best=0.5)
    >>> _ = f.seek(0)
    >>> tn.load_checkpoint(f, noise=g)
    {'best': 0.5}
    """
    found = load(f)
    if not isinstance(found, dict) or RANDOM not in found:
        raise StateDictError("load_checkpoint: this is no file of save_checkpoint", help="tn.load reads it")
    missing = [name for name in parts if name not in found or name == RANDOM]
    if missing:
        names = ", ".join(repr(name) for name in found if name != RANDOM)
        raise StateDictError(f"load_checkpoint: the file has no {missing[0]!r}, but {names}")
    return put_back(found, parts)


def put_back(found: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Load states into parts, and into the default generators; gives the others."""
    for name, x in parts.items():
        if not isinstance(x, Generator) and not callable(getattr(x, "load_state_dict", None)):
            raise DTypeError(f"load_checkpoint: {name} has a load_state_dict, which {shown(x)} does not")
    for name, x in parts.items():
        state = found.pop(name)
        x.set_state(state) if isinstance(x, Generator) else x.load_state_dict(state)
    _set_random_state(found.pop(RANDOM))
    return found


def state_of(x: Any) -> Any:
    """The state of a part."""
    if isinstance(x, Generator):
        return x.get_state()
    if callable(getattr(x, "state_dict", None)) and not isinstance(x, type):
        return x.state_dict()
    return x


def random_state() -> dict[str, Any]:
    """States of the default generators: of this thread, of Python, and of NumPy."""
    own, python, (name, keys, *rest) = states()
    return {"tenure": own, "python": python, "numpy": [name, wrap(np.array(keys, dtype=np.uint32)), *rest]}


def _set_random_state(saved: Any) -> None:
    """Put the default generators back."""
    match saved:
        case {"tenure": Tensor() as own, "python": tuple() as python, "numpy": [name, Tensor() as keys, *rest]}:
            restore(States(own, python, (str(name), keys.numpy(), *rest)))
        case _:
            raise StateDictError("load_checkpoint: the states of the default generators are damaged")
