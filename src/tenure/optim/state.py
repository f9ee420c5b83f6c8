"""Saving and loading of optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenure.errors import StateDictError
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor

Group = dict[str, Any]


def snapshot(groups: list[Group], state: Mapping[Any, Group]) -> Group:
    """Groups with numbers for parameters, and the state of each by its number."""
    numbers: dict[Any, int] = {}
    for group in groups:
        for p in group["params"]:
            numbers.setdefault(p, len(numbers))
    return {
        "state": {numbers[p]: {k: _saved(v) for k, v in {**held}.items()} for p, held in {**state}.items()},
        "param_groups": [{**group, "params": [numbers[p] for p in group["params"]]} for group in groups],
    }


def _saved(x: Any) -> Any:
    return x.detach() if isinstance(x, Tensor) else x


def restored(groups: list[Group], given: Mapping[str, Any]) -> tuple[list[Group], dict[Any, Group]]:
    """The groups and the state that a state_dict describes; KeyError for a key that it lacks."""
    saved = given["param_groups"]
    if len(saved) != len(groups):
        raise StateDictError(f"the state_dict has {len(saved)} parameter groups, the optimizer {len(groups)}")
    places: dict[int, Any] = {}
    merged = []
    for k, (old, new) in enumerate(zip(groups, saved, strict=True)):
        if len(old["params"]) != len(new["params"]):
            raise StateDictError(
                f"parameter group {k} has {len(new['params'])} parameters in the state_dict and"
                f" {len(old['params'])} in the optimizer"
            )
        places.update(zip(new["params"], old["params"], strict=True))
        merged.append({**old, **new, "params": old["params"]})
    state = {}
    for number, held in given["state"].items():
        p = places[number]
        state[p] = {key: _place(key, x, p) for key, x in held.items()}
    return merged, state


def _place(key: str, x: Any, p: Any) -> Any:
    """A kept tensor as a place of its own, in the dtype of its parameter; a count as a Python number."""
    if not isinstance(x, Tensor):
        return x
    if key == "step":
        return int(x.item())
    if x.shape != p.shape:
        raise StateDictError(
            f"{key} has shape {list(x.shape)} in the state_dict, and its parameter {list(p.shape)}"
        )
    return Var(x.detach().to(p.dtype))
