"""Recording an operation seen before at this place, in generated code; anything else is left to ``record``."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tenure.runtime.extension import AVAILABLE, Extension, offset
from tenure.runtime.launch import RUN
from tenure.values import force, hits_code, record
from tenure.values.expand import expand_mark
from tenure.values.hits_steps import HANDLE, MOST_PLACES
from tenure.values.modes import MODE, Mode
from tenure.values.operators import STEPS
from tenure.values.sites import PACKAGE
from tenure.values.trie import GENERAL, INT64, Node
from tenure.values.unfinished import Unfinished

SLOTS: dict[type, tuple[str, ...]] = {
    Mode: ("eager",),
    record.Trace: (
        "busy",
        "eager",
        "mode",
        "node",
        "handles",
        "inputs",
        "bound",
        "scalars",
        "token",
        "marks",
        "running",
    ),
    Unfinished: ("trace",),
    Node: ("next", "likely", "key", "aval", "avals", "deps", "depss", "fixed", "bounds", "cut", "level"),
}


def _load() -> Extension:
    places = {f"{of.__name__.lower()}.{name}": offset(of, name) for of, names in SLOTS.items() for name in names}
    code = Extension(hits_code.source(places), hits_code.API, hits_code.VARIABLES, hits_code.FUNCTIONS)
    objects = {
        "recorder": record.RECORDER,
        "cell_name": "unfinished",
        "mode": MODE,
        "true": True,
        "false": False,
        "none": None,
        "general": GENERAL,
        "wide": INT64,
        "empty": (),
        "one": 1,
        "getframe": sys._getframe,
        "filename": "co_filename",
        "package": PACKAGE,
        "float": float,
        "int": int,
        "bool": bool,
        "slow_bind": record.Trace.bind,
        "mark_step": expand_mark,
        "mode_type": Mode,
        "enter": record.Trace.enter,
        "ndarray": np.ndarray,
        "list": list,
        "slice": slice,
        "ellipsis": ...,
    }
    for name, to in objects.items():
        code.point(name, to)
    code.number("run", RUN)
    return code


def _as_known() -> bool:
    """Whether slices keep their parts where the code looks for them."""
    parts = [object() for _ in hits_code.SLICE]
    whole = slice(*parts)
    return all(
        ctypes.c_void_p.from_address(id(whole) + at).value == id(part)
        for at, part in zip(hits_code.SLICE, parts, strict=True)
    )


CODE = _load() if AVAILABLE and RUN and _as_known() else None
"""None where there are no builtins: ``record`` then does it all."""


def coded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The builtin of this name, which leaves what is unusual to the function; that itself where there is none."""
    if CODE is None:
        return function
    name = function.__name__
    CODE.point(f"slow_{name}", function)
    return CODE.function(name, function)  # type: ignore[no-any-return]


apply, apply_one, seen = coded(record.apply), coded(record.apply_one), coded(record.seen)
force.alive, force.hand_over = coded(force.alive), coded(force.hand_over)
if CODE is not None:
    _bind: Any = CODE.method("bind_method", record.Trace.bind, record.Trace)
    record.Trace.bind = _bind  # type: ignore[method-assign]


def add_place(of: type) -> None:
    """A class of places whose value of this moment is ``_val``."""
    record.PLACES.add(of)
    if CODE is not None:
        k = len(record.PLACES) - 1
        if k >= MOST_PLACES:
            raise RuntimeError(f"there are more than {MOST_PLACES} classes of places")
        CODE.number("places", offset(of, "_val"), 2 * k + 1)
        CODE.point("places", of, 2 * k)


def install(tensor: type, classes: tuple[type, ...]) -> None:
    """Give the operators and methods of the ``classes``, bases of ``tensor``, code of their own."""
    if CODE is None:
        return
    for name in HANDLE:
        CODE.number(f"at_{name}", offset(tensor, f"_{name}"))
    entries: dict[Any, int] = {}
    for of in classes:
        for name, function in list(vars(of).items()):
            found = STEPS.get(function) if callable(function) else None
            if found is None:
                continue
            fn, kind, reflected = found
            k = entries.setdefault(function, len(entries))
            CODE.point("entries", fn, 3 * k)
            CODE.point("entries", function, 3 * k + 1)
            CODE.number("entries", int(reflected), 3 * k + 2)
            setattr(of, name, CODE.method(f"{kind}_{k}", function, of))
    CODE.point("tensor", tensor)
