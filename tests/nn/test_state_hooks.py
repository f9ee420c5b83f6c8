"""What hooks of a state dict refuse is as if it had not been tried."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

import tenure as tn
import tenure.torch as face
from tenure import nn


@pytest.mark.parametrize("assign", [False, True])
def test_what_a_hook_refuses_is_put_back(assign: bool) -> None:
    net = nn.Linear(2, 1)
    weight, before = net.weight, net.weight.tolist()
    state = {k: v + 1 for k, v in net.state_dict().items()}
    seen: list[Any] = []

    def refuse(module: Any, keys: Any) -> None:
        seen.append(module.weight.tolist())
        keys.missing_keys.append("more")

    handle = net.register_load_state_dict_post_hook(refuse)
    with pytest.raises(RuntimeError, match="Missing key.*'more'"):
        net.load_state_dict(state, assign=assign)
    assert seen == [state["weight"].tolist()]
    assert net.weight is weight and weight.tolist() == before
    handle.remove()
    net.load_state_dict(state)
    assert net.weight.tolist() == state["weight"].tolist()


def test_a_hook_returns_nothing() -> None:
    net = nn.Linear(2, 1)
    net.register_load_state_dict_pre_hook(lambda *given: 3)
    with pytest.raises(TypeError, match="a hook before load_state_dict returns None, not int"):
        net.load_state_dict(net.state_dict())


def test_a_place_that_is_gone_hears_of_no_gradient() -> None:
    seen: list[Any] = []
    w = tn.tensor([2.0], requires_grad=True)
    w.register_post_accumulate_grad_hook(seen.append)
    loss = (w * w).sum()
    del w
    loss.backward()
    assert not seen


class Counting(nn.Module):
    """A module with state besides tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.count = nn.Linear(2, 2), 0

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state) -> None:
        self.count = state["count"]


def test_state_besides_tensors_is_saved_and_loaded():
    first, second = (nn.Sequential(Counting(), nn.Linear(2, 2)) for _ in range(2))
    first[0].count = 7
    saved = first.state_dict()
    assert list(saved) == ["0._extra_state", "0.layer.weight", "0.layer.bias", "1.weight", "1.bias"]
    second.load_state_dict(saved)
    assert second[0].count == 7
    del saved["0._extra_state"]
    with pytest.raises(RuntimeError, match="0._extra_state"):
        second.load_state_dict(saved)
    assert second.load_state_dict(saved, strict=False).missing_keys == ["0._extra_state"]
    with pytest.raises(RuntimeError, match="Unexpected"):
        nn.Linear(2, 2).load_state_dict({**nn.Linear(2, 2).state_dict(), "_extra_state": 1})


def test_a_file_from_before_batches_were_counted_loads() -> None:
    layer, saved = nn.BatchNorm1d(2), nn.BatchNorm1d(2).state_dict()
    layer.num_batches_tracked.fill_(3)
    old = OrderedDict((k, x) for k, x in saved.items() if k != "num_batches_tracked")
    assert not layer.load_state_dict(old).missing_keys
    assert layer.num_batches_tracked.item() == 3
    old._metadata = {"": {"version": 2}}  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        layer.load_state_dict(old)


def test_a_live_state_dict_of_tied_weights_loads_again_and_again() -> None:
    torch = face.nn
    net = torch.Sequential(torch.Embedding(4, 3), torch.Linear(3, 4, bias=False))
    net[1].weight = net[0].weight
    state, before = net.state_dict(), net[0].weight.tolist()
    for _ in range(2):
        assert repr(net.load_state_dict(state)) == "<All keys matched successfully>"
    assert state["1.weight"].tolist() == net[1].weight.tolist() == before
