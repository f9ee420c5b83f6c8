"""Forms of calls that programs use: what they give, or PyTorch's class of error."""

from __future__ import annotations

import warnings
from collections import Counter
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest

import tenure.torch as face
from tenure.torch.names import forms

pytestmark = pytest.mark.peers
GIVEN = """
torch.sparse_coo_tensor(size=(2, 3)).to_dense()
torch.sparse_coo_tensor((2, 3)).shape
F.dropout2d(torch.ones(2, 3), 0.0)
F.dropout2d(torch.ones(2, 3), 1.0)
F.dropout2d(torch.ones(2, 2, 2, 2, 2), 0.5, False)
torch.from_dlpack(torch.utils.dlpack.to_dlpack(torch.arange(3)))
torch.utils.dlpack.from_dlpack(np.arange(3.0).__dlpack__())
F.ctc_loss(torch.zeros(5, 2, 4).log_softmax(2), torch.ones(2, 2) * 1.7, (5, 5), (2, 2))
F.ctc_loss(torch.zeros(5, 2, 4).log_softmax(2), torch.ones(4), torch.tensor([5, 5]), torch.tensor([2, 2]))
nn.CTCLoss()(torch.zeros(5, 2, 4).log_softmax(2), torch.ones(2, 2), torch.tensor([5, 5]), torch.tensor([2, 2]))
torch.sparse.torch.eye(2)
hasattr(torch.ones(2), "names")
""".strip().splitlines()
REFUSED = """
torch.ones(2) @ 3
3 @ torch.ones(2)
torch.ones(2) @ [1, 2]
nn.Linear("a", 2)
nn.Linear(2, None)
nn.Embedding("a", 2)
F.interpolate(torch.ones(1, 1, 4), size=(2, 2))
F.interpolate(torch.ones(1, 1, 4, 4), scale_factor=(2, 2, 2))
F.softmax("x", 1)
F.log_softmax([1.0], 0)
F.relu("x")
F.dropout1d(torch.ones(2, 2, 2, 2))
F.dropout2d(torch.ones(2))
torch.ones(2).names
""".strip().splitlines()


def outcome(torch: Any, source: str) -> Any:
    """Value of an expression, or the class of its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = eval(source, {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np})
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            return type(error).__name__
    return np.round(np.asarray(y.tolist()), 5).tolist() if hasattr(y, "tolist") else y


@pytest.mark.parametrize("source", GIVEN + REFUSED)
def test_a_form_gives_what_pytorch_gives(source: str) -> None:
    torch = pytest.importorskip("torch")
    found = outcome(face, source)
    assert found == outcome(torch, source)
    assert (type(found) is str) is (source in REFUSED)


def test_no_two_files_of_forms_have_a_function_of_one_name():
    """The package takes all names of its files: of two, the later would serve for both without a word."""
    files = [import_module(f"{forms.__name__}.{found.name}") for found in iter_modules(forms.__path__)]
    count = Counter(name for file in files for name in file.__all__)
    assert len(files) > 5 and [name for name, number in count.items() if number > 1] == []
