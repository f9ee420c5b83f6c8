"""The table of PyTorch's calls against PyTorch: storages, versions and saved tensors of calls on small tensors."""

from __future__ import annotations

import importlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenure.check.effects import tables
from tenure.check.effects.effect import Effect

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))

pytestmark = pytest.mark.peers

PREFIXES = {
    "torch": "",
    "torch.linalg": "linalg_",
    "torch.fft": "fft_",
    "torch.special": "special_",
    "torch.nn.functional": "",
}
NO_SAMPLE_SHARES = {  # sharing depends on dtypes, devices or formulas that the samples do not have
    "chalf",
    "pin_memory",
    "coalesce",
    "torch.einsum",
}
DATA_UNCHANGED = {"t_", "transpose_", "squeeze_", "unsqueeze_", "swapaxes_", "swapdims_", "as_strided_", "detach_"}
UNCALLED = 100  # entries whose arguments the samples do not meet: sparse, quantized, recurrent


def entries() -> Iterator[tuple[str, str, Effect]]:
    for (what, of), names in tables._sections("torch").items():
        for name in names:
            if what == "functions" and of in PREFIXES:
                effect = tables.function(f"{of}.{name}")
            elif (what, of) == ("methods", "tensor"):
                effect = tables.method("tensor", name)
            else:
                continue
            assert effect is not None
            yield of, name, effect


def positions(arguments: tuple[str, ...]) -> set[int]:
    plain = {a.split("[")[0].split(".")[0].rstrip("+") for a in arguments}
    return {int(a) for a in plain if a.isdigit()} | ({-1} if "result" in plain else set())


def disagreements(effect: Effect, seen: Any, name: str) -> Iterator[str]:
    """What calls were seen to do that the table denies, and what it claims that no call did."""
    written = positions(effect.writes) | positions(effect.rebinds)
    if seen.written - written and name not in DATA_UNCHANGED:
        yield f"writes {seen.written - written}"
    if written - seen.written:
        yield f"never writes {written - seen.written}"
    relation, of = effect.items or effect.result, positions(effect.of)
    if relation == "unknown":
        return
    allowed = set() if relation == "owned" else of | positions(effect.captures)
    if seen.shared - allowed:
        yield f"shares memory with {seen.shared - allowed}"
    if relation in ("view", "alias") and seen.always_shared is not None and of - seen.always_shared:
        yield f"not always a {relation} of {of}"
    if relation == "alias" and of - seen.same:
        yield f"never the same object as {of}"
    if relation == "maybe-view" and not seen.shared and name not in NO_SAMPLE_SHARES:
        yield "never shares memory"
    saved = positions(effect.saves)
    if seen.saved - saved - ({-1} if relation != "owned" else set()):
        yield f"saves {seen.saved - saved}"


def test_every_entry_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    import torch_calls
    import torch_effects

    schemas = torch_effects.collect(torch)
    wrong, uncalled = [], []
    for of, name, effect in entries():
        listed = schemas.get(PREFIXES.get(of, "") + name, [])
        found = torch_effects.without_out(listed) or listed
        if of == "tensor":
            found = [s for s in found if s.arguments and s.arguments[0].name == "self"]
        if not found:
            continue
        call = getattr(torch.Tensor if of == "tensor" else sys.modules[of], name)
        seen: dict[Effect, Any] = defaultdict(torch_calls.Seen)

        def given(arguments: list[Any], effect: Effect = effect, seen: Any = seen) -> Any:
            constants = {str(i): a for i, a in enumerate(arguments) if isinstance(a, bool)}
            return seen[effect.given(constants)]

        torch_calls.call_all(torch, call, found, given, writes=bool(effect.writes))
        if not sum(s.calls for s in seen.values()):
            uncalled.append(f"{of}.{name}")
        label = name if of == "tensor" else f"{of}.{name}"
        wrong += [f"{label}: {text}" for e, s in seen.items() if s.calls for text in disagreements(e, s, label)]
    assert not wrong, "\n".join(wrong)
    assert len(uncalled) <= UNCALLED, uncalled


def test_every_name_exists() -> None:
    torch = pytest.importorskip("torch")

    nn = torch.nn
    homes = {
        "tensor": (torch.Tensor,),
        "module": (nn.Module, nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList),
        "optimizer": (torch.optim.Optimizer,),
    }
    of_instances = {"training", "state", "param_groups"}
    missing = []
    for (what, of), names in tables._sections("torch").items():
        home: Any = homes.get(of) or (importlib.import_module(of),)
        there = of_instances.union(*map(dir, home))
        missing += [f"{what} {of}.{name}" for name in names if name not in there]
    assert not missing
