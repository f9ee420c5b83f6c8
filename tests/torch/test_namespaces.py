"""Namespaces beside tensors and functions: how many of the names that real code uses are there, and their keywords."""

from __future__ import annotations

import csv
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

from tenure.torch import absent

HERE = Path(__file__).parent
SPACES = {
    "nn": ["nn"], "nn.init": ["nn.init"], "optim": ["optim"], "lr_scheduler": ["optim.lr_scheduler"],
    "nn.utils": [f"nn.utils{end}" for end in ("", ".rnn", ".prune", ".parametrize", ".parametrizations")],
    "Module methods": ["nn.Module"], "Optimizer methods": ["optim.Optimizer"], "data": ["utils.data"], "func": ["func"],
    "distributions": [f"distributions{end}" for end in ("", ".constraints", ".utils", ".transforms")],
    "autograd": ["autograd"], "other torch.autograd": ["autograd", "autograd.forward_ad", "autograd.function",
                                                       "autograd.functional", "autograd.graph", "autograd.profiler"],
    "other torch.cuda": ["cuda", "cuda.amp"], "other torch.backends": ["backends.cudnn", "backends.cuda",
                                                                       "backends.cuda.matmul", "backends.quantized"],
    "other torch.utils": [f"utils{end}" for end in ("", ".hooks", ".benchmark", ".cpp_extension", ".model_zoo",
                                                    ".dlpack", "._pytree")],
    "other torch.nn": ["nn.parallel", "nn.attention", "nn.attention.flex_attention", "nn.modules.utils",
                       "nn.modules.batchnorm", "nn.modules.conv", "nn.modules.instancenorm", "nn.modules.loss",
                       "nn.parallel.scatter_gather", "nn.quantized"],
    "other torch.optim": ["optim.optimizer"],
    "other torch.distributed": ["distributed", *[n for n in absent.TABLE if n[:5] == "distr"]],
}  # fmt: skip
"""Where the names of a group are looked for; groups "other torch.x" that are not here in the module x."""
ASIDE = ("jit", "onnx", "fx", "ops", "quantization", "classes", "ao", "random", "_")
OTHERS = ("Dense", "Conv2D", "MaxPool2D", "Activation", "AvgPool2D", "GlobalAvgPool2D", "BatchNorm", "max_pool")
"""Names of other libraries' ``nn``."""


def rows(file: str) -> list[dict[str, str]]:
    with open(HERE / file, newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def found(path: str) -> Any:
    """A name of the face; None without it."""
    at: Any = import_module("tenure.torch")
    for k, part in enumerate(path.split(".")):
        try:
            at = getattr(at, part)
        except AttributeError:
            name = ".".join(path.split(".")[: k + 1])
            try:
                at = absent.made(name) or import_module(f"tenure.torch.{name}")
            except ImportError:
                return None
    return at


def test_of_a_thousand_uses_of_names_five_at_most_are_not_there() -> None:
    uses, missing = {True: 0, False: 0}, []
    for row in rows("names.tsv"):
        group, name = row["group"], row["name"]
        spaces = SPACES.get(group, [group.removeprefix("other torch.")] if group.startswith("other torch.") else [])
        if not spaces or spaces[0].startswith(ASIDE) or name in OTHERS or name.startswith("__"):
            continue
        there = any(found(f"{space}.{name}") is not None for space in spaces) or name in ("version", "cuda", "required")
        uses[there] += int(row["uses"])
        missing += [] if there else [f"{spaces[0]}.{name}"]
    share = uses[True] / (uses[True] + uses[False])
    assert share >= 0.995, f"{share:.4f}, without {', '.join(missing)}"


def test_keywords_of_classes_are_accepted() -> None:
    """Constructors and methods of modules, optimizers, schedules, data loaders."""
    wrong, count = [], 0
    for row in rows("keywords.tsv"):
        path = row["name"]
        if not path.startswith(("nn.", "optim.", "DataLoader", "data.")) or path.startswith("nn.functional"):
            continue
        where = f"utils.data.{path.removeprefix('data.')}" if path.startswith("Data") or path[:5] == "data." else path
        function = found(where)
        if function is None:
            continue
        taken = inspect.signature(function).parameters
        more = any(p.kind is p.VAR_KEYWORD for p in taken.values())
        count += 1
        if row["keyword"] not in taken and not more:
            wrong.append(f"{path}({row['keyword']}=)")
    assert count > 50 and not wrong, wrong


def test_an_absent_name_says_so() -> None:
    """A function refuses with what to use; a class cannot be made, and nothing is of it."""
    export = found("onnx.export")
    try:
        export(None)
    except NotImplementedError as error:
        assert "torch.onnx.export is not to be had on Tenure's engine" in str(error)
    else:
        raise AssertionError
    assert not isinstance(1, found("fx.GraphModule"))
    assert found("distributed.is_available")() is True and not found("distributed.is_initialized")()
    assert not isinstance(1, found("distributed.fsdp.FullyShardedDataParallel"))
