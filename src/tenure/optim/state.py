"""Saving and loading of optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tenure.dtypes import DType
from tenure.errors import StateDictError
from tenure.values.places.shared import Shared
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor

Group = dict[str, Any]


def snapshot(groups: list[Group], state: Mapping[Any, Group], save: Callable[[str, Any], Any]) -> Group:
    """Groups with numbers for parameters, and the state of each by its number."""
    numbers: dict[Any, int] = {}
    for group in groups:
        for p in group["params"]:
            numbers.setdefault(p, len(numbers))
    return {
        "state": {numbers[p]: {k: save(k, v) for k, v in {**held}.items()} for p, held in {**state}.items() if held},
        "param_groups": [
            {k: saved(v) for k, v in group.items() if k != "params"} | {"params": [numbers[p] for p in group["params"]]}
            for group in groups
        ],
    }


def saved(x: Any) -> Any:
    """A tensor, or all tensors of a list or dict, as values."""
    if isinstance(x, Tensor):
        return x.detach()
    if isinstance(x, Shared):
        return x.value
    if isinstance(x, list):
        return [saved(y) for y in x]
    return {k: saved(y) for k, y in x.items()} if isinstance(x, dict) else x


def restored(
    groups: list[Group], given: Mapping[str, Any], restore: Callable[[str, Any, Any], Any]
) -> tuple[list[Group], dict[Any, Group]]:
    """The groups and the state that a state_dict describes; KeyError for a key that it lacks."""
    found = given["param_groups"]
    if len(found) != len(groups):
        raise StateDictError(f"the state_dict has {len(found)} parameter groups, the optimizer {len(groups)}")
    places: dict[int, Any] = {}
    merged = []
    for k, (old, new) in enumerate(zip(groups, found, strict=True)):
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
        state[p] = {key: restore(key, x, p) for key, x in held.items()}
    return merged, state


def placed(x: Any, dtype: DType) -> Any:
    """Kept tensors as places of their own, floating ones in the dtype of their parameter."""
    if isinstance(x, Tensor):
        return Var(x.detach().to(dtype) if x.dtype.has_gradient else x.detach())
    if isinstance(x, list):
        return [placed(y, dtype) for y in x]
    return {k: placed(y, dtype) for k, y in x.items()} if isinstance(x, dict) else x
