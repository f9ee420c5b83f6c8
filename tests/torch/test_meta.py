"""The device "meta" is refused wherever a tensor would be made on it, and no tensor is made on the CPU in its place."""

from __future__ import annotations

import io

import pytest

import tenure.torch as torch

CALLS = """
torch.zeros(2, device="meta")
torch.tensor([1.0], device=torch.device("meta"))
torch.empty_like(x, device="meta")
torch.device("meta").__enter__()
torch.set_default_device("meta")
x.to("meta")
x.to("meta", torch.float64)
x.new(2, device="meta")
x.new_zeros(2, device="meta")
torch.nn.Linear(2, 2, device="meta")
torch.nn.LSTM(2, 2, device="meta")
torch.nn.utils.skip_init(torch.nn.Linear, 2, 2, device="meta")
layer.to("meta")
layer.to_empty(device="meta")
torch.nn.LazyLinear(2).to("meta")
torch.load(file, map_location="meta")
""".strip().splitlines()


@pytest.mark.parametrize("call", CALLS)
def test_the_device_meta_is_refused(call):
    file = io.BytesIO()
    torch.save(torch.ones(2), file)
    file.seek(0)
    scope = {"torch": torch, "x": torch.ones(2), "layer": torch.nn.Linear(2, 2), "file": file}
    with pytest.raises(RuntimeError, match="device 'meta' are not supported"):
        eval(call, scope)
    assert torch.zeros(1).device == torch.get_default_device() == torch.device("cpu")


def test_layers_are_not_made_on_a_default_device_without_elements():
    with torch.device("cuda"), pytest.raises(AssertionError, match="CUDA"):
        torch.nn.Linear(2, 2)
    with torch.device("mps"), pytest.raises(RuntimeError, match="mps"):
        torch.nn.BatchNorm1d(2)
