"""Tables of vectors beside PyTorch's, with every argument."""

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F
from tests.nn.test_layers_peers import same
from tests.nn.test_nn_peers import close
from tests.nn.test_transformer_peers import exchanged, normal

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
INDICES = np.array([[0, 3, 3], [5, 0, 3]])
OPTIONS: list[dict[str, Any]] = [
    {"max_norm": 1.0},
    {"max_norm": 1.5, "norm_type": 1.0, "padding_idx": 3},
    {"scale_grad_by_freq": True},
    {"scale_grad_by_freq": True, "padding_idx": 0, "max_norm": 2.0},
]


@pytest.mark.parametrize("given", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["Embedding", "EmbeddingBag"])
def test_arguments(name: str, given: dict[str, Any]) -> None:
    if name == "EmbeddingBag" and "scale_grad_by_freq" in given:
        pytest.skip("PyTorch's bags take the frequency of another index")
    theirs, ours = getattr(torch.nn, name)(7, 4, **given), getattr(nn, name)(7, 4, **given)
    exchanged(theirs, ours)
    assert repr(ours).replace("'", "").split(", mode")[0] == repr(theirs).split(", mode")[0].replace("'", "")
    for _ in range(2):
        first, second = theirs(torch.tensor(INDICES)), ours(tn.tensor(INDICES))
        close(ours.weight, theirs.weight)
        same(second, first, [ours.weight], [theirs.weight])
        ours.zero_grad()
        theirs.zero_grad()


def test_bags_by_frequency() -> None:
    bag = nn.EmbeddingBag(7, 4, scale_grad_by_freq=True, mode="sum")
    bag(tn.tensor(INDICES)).sum().backward()
    assert bag.weight.grad[:, 0].tolist() == pytest.approx([1.0, 0, 0, 1.0, 0, 1.0, 0])


def test_pretrained_tables() -> None:
    table = normal(5, 3)
    for name in ("Embedding", "EmbeddingBag"):
        for freeze in (True, False):
            theirs = getattr(torch.nn, name).from_pretrained(torch.tensor(table), freeze=freeze, padding_idx=1)
            ours = getattr(nn, name).from_pretrained(tn.tensor(table), freeze=freeze, padding_idx=1)
            assert ours.weight.requires_grad is theirs.weight.requires_grad
            close(ours(tn.tensor([[1, 4]])), theirs(torch.tensor([[1, 4]])))
    with pytest.raises(tn.ShapeError, match="_weight has shape"):
        nn.Embedding(4, 3, _weight=tn.tensor(table))


def test_rows_are_kept_within_a_norm_during_a_call() -> None:
    table = nn.Embedding(3, 2, max_norm=1.0)
    table.load_state_dict({"weight": np.full((3, 2), 3.0, "float32")})
    kept = table.weight.value
    net = nn.Sequential(table, nn.Linear(2, 1))
    net(tn.tensor([0])).sum().backward()
    assert table.weight[0].norm().item() == pytest.approx(1.0) and table.weight[1].tolist() == [3.0, 3.0]
    assert kept.tolist() == [[3.0, 3.0]] * 3 and table.weight.requires_grad
    with pytest.raises(tn.OutOfRange, match="indices between 0 and 3, in a table of 3 rows"):
        table(tn.tensor([0, 3]))
    with pytest.raises(tn.WriteError, match="max_norm writes the weight, and this is a value"):
        F.embedding(tn.tensor([0]), tn.ones(2, 2), max_norm=1.0)
