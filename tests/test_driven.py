"""Every public function is driven with wrong arguments: only errors that say what is wrong come out of it.

The calls are in good_calls.txt, what stands for their arguments in driving.py. Here an eighth of it is driven,
all of it where TENURE_FUZZ is set.
"""

from __future__ import annotations

import ast
import inspect
import os
import resource
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tenure as tn
from tenure import autograd, cuda, data, distributions, fft, func, io, linalg, nn, optim, random, special
from tenure.nn import functional, init, utils
from tenure.nn.utils import rnn
from tenure.values.rules.sites import site_of
from tests import driving
from tests.bunches import bunches

EVERY = bool(os.environ.get("TENURE_FUZZ"))
GROUPS = 24
REFUSED = ("tn.Tensor(x)", "tn.Borrow(x)", "tn.SharedBorrow(x)", "x.requires_grad_(True)")
"""Calls that are errors whatever they are given."""
NOTHING_TO_SAY = {"tn.move", "tn.checkpoint", "tn.checkpoint(f)", "tn.checked(typed)", "nn.Identity", "nn.Identity(1)"}
NOTHING_TO_SAY |= {"operator", "tn.is_tensor", "tn.cuda.manual_seed", "tn.cuda.manual_seed_all", "tn.cuda.synchronize"}
NOTHING_TO_SAY |= {"tn.distributed.broadcast_object"}
IGNORED = {(f"F.dropout{n}", "3") for n in ("", "1d", "2d", "3d")}
IGNORED |= { ("F.elu", "2"), ("F.leaky_relu", "2"), ("F.relu", "1"), ("F.silu", "1")}
IGNORED |= {("F.celu", "2"), ("F.hardtanh", "3"), ("F.threshold", "3")}
IGNORED |= {("F.alpha_dropout", "3"), ("F.feature_alpha_dropout", "3"), ("F.rrelu", "4")}
IGNORED |= {(f"F.{name}", "1") for name in ("hardsigmoid", "hardswish", "mish", "relu6", "selu")}
IGNORED |= {("F.relu_", "1"), ("F.selu_", "1"), ("F.rrelu_", "4"), ("F.hardtanh_", "3"), ("F.threshold_", "3")}
IGNORED |= {(f"F.{name}", "2") for name in ("celu_", "elu_", "leaky_relu_")}
IGNORED |= {("optim.swa_utils.update_bn", "0")}  # a model without batch normalization reads no data
"""``inplace`` is accepted and has no effect."""
LOADERS = ("tn.distributed.Loader", "tn.distributed.ShardSampler")
"""Classes that take any object with a length and indices."""
UNNAMED = ("args", "kwargs", "positional")
MODULES = {"tn.autograd": autograd, "tn.cuda": cuda, "tn.fft": fft, "tn.linalg": linalg, "tn.random": random}
MODULES["tn.special"] = special
MODULES |= {"tn.io": io, "tn.io.safetensors": io.safetensors}
MODULES |= {"tn.distributions": distributions}
MODULES |= {"nn": nn, "nn.utils.rnn": rnn, "F": functional, "optim": optim, "data": data, "func": func}
MODULES |= {"optim.lr_scheduler": optim.lr_scheduler, "optim.swa_utils": optim.swa_utils}


@pytest.fixture(autouse=True)
def bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sizes that no machine has are refused here too, options of the process are put back, files go elsewhere."""
    monkeypatch.chdir(tmp_path)
    before, options = resource.getrlimit(resource.RLIMIT_AS), tn.get_printoptions()
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (2**36, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
    tn.set_printoptions(options.precision, options.threshold, options.edgeitems, options.linewidth)


def group_of(line: str) -> int:
    """Which test drives a call."""
    return zlib.crc32(line.encode()) % GROUPS


@bunches("lines", [line for line in driving.GOOD if line not in REFUSED])
def test_the_calls_are_good_and_their_results_have_the_users_line(lines: list[str]) -> None:
    unnamed = []
    for line in lines:
        code = compile(line, line, "eval")
        result = eval(code, driving.context(code.co_names))
        unnamed += [line for x in recorded(result) if site_of(x._trace, x) is None]
        driving.read(result)
    assert not unnamed


def recorded(result: Any) -> Iterator[Any]:
    """The tensors in a result whose operations are recorded and have not run."""
    if hasattr(result, "_code") and result._trace is not None:
        yield result
    elif isinstance(result, tuple | list):
        for part in result:
            yield from recorded(part)


@pytest.mark.parametrize("group", range(GROUPS))
def test_errors_name_what_was_called(group: int) -> None:
    found = []
    for line in driving.GOOD:
        for k, site in enumerate(driving.sites(line) if group_of(line) == group else ()):
            for j, (name, make) in enumerate(driving.WRONG.items()):
                if (EVERY or (j + k + group) % 8 == 0) and (site.function, name) not in driving.EXEMPT:
                    error = driving.drive(site, make())
                    wrong = None if error is None else driving.fault(site, error)
                    if wrong is not None:
                        found.append(f"{site} <- {name}: {wrong}: {type(error).__name__}: {error}")
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("name", ["object()", "masked array", "structured array"])
def test_what_is_no_argument_is_never_taken(name: str) -> None:
    taken = []
    for line in driving.WRITTEN:
        for site in driving.sites(line):
            free = site.function in NOTHING_TO_SAY or (site.function, site.argument) in IGNORED
            own = site.function.startswith(("data.", *LOADERS, "x.__contains__", "v.__i"))
            if not free and not own and driving.drive(site, driving.WRONG[name]()) is None:
                taken.append(str(site))
    assert not taken


def test_what_failed_changes_nothing() -> None:
    tn.manual_seed(3)
    expected = tn.rand(3).tolist()
    tn.manual_seed(3)
    for wrong in ("tn.set_rng_state(tn.tensor([0.5, 1.5]))", "tn.manual_seed('a')", "tn.rand(2, generator=3)"):
        with pytest.raises(tn.DTypeError):
            eval(wrong, {"tn": tn})
    assert tn.rand(3).tolist() == expected


def called() -> dict[str, list[ast.Call]]:
    """The calls of the table by what is called."""
    found: dict[str, list[ast.Call]] = {}
    for line in driving.GOOD:
        for node in ast.walk(ast.parse(line, mode="eval")):
            if isinstance(node, ast.Call):
                found.setdefault(ast.unparse(node.func), []).append(node)
    return found


def public() -> Iterator[tuple[str, Any]]:
    """Every public function and class, by its name in the table."""
    stub = ast.parse(Path(tn.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    names = [a.name for s in stub.body if isinstance(s, ast.ImportFrom) for a in s.names]
    yield from [(f"tn.{name}", getattr(tn, name)) for name in names]
    for prefix, module in MODULES.items():
        above = {random: names, io: names, io.safetensors: [n for n in io.__all__ if n.endswith(("_file", "_open"))]}
        own = [name for name in module.__all__ if name not in above.get(module, ())]
        yield from [(f"{prefix}.{name}", getattr(module, name)) for name in own]
    own = [name for name, f in vars(init).items() if inspect.isfunction(f) and not name.startswith("_")]
    yield from [(f"nn.init.{n}", vars(init)[n]) for n in own if vars(init)[n].__module__ == init.__name__]
    yield from [(f"nn.utils.{name}", getattr(utils, name)) for name in utils.__all__]
    for part in (utils.parametrize, utils.parametrizations, utils.prune):
        prefix = part.__name__.replace("tenure.", "")
        own = [name for name in part.__all__ if inspect.isfunction(vars(part)[name])]
        yield from [(f"{prefix}.{name}", vars(part)[name]) for name in own]


BASES = (data.Dataset, data.IterableDataset, data.Sampler)


def is_driven(f: Any) -> bool:
    """Whether there is something to call: not an error, an annotation, a dtype, a report or a class to inherit from."""
    if inspect.isclass(f) and issubclass(f, BaseException):
        return False
    others = (tuple, tn.DType, tn.Explanation, nn.Module, *BASES, tn.Ref, tn.Mut, tn.Own, tn.check_package)
    return callable(f) and f not in (*others, optim.lr_scheduler.LRScheduler, autograd.Function)


def test_every_method_is_driven() -> None:
    written, missing = "\n".join(driving.GOOD), []
    for cls in (tn.Tensor, tn.Var, tn.Borrow, tn.Generator, tn.Shared, nn.Module, nn.Sequential, nn.ModuleDict):
        for name in set(dir(cls)) - set(NO_METHODS):
            f = inspect.getattr_static(cls, name)
            own = callable(f) and not name.startswith("_") and not isinstance(f, staticmethod | classmethod)
            if own and taking_arguments(f) and f".{name}(" not in written:
                missing.append(f"{cls.__name__}.{name}")
    assert not missing, missing


NO_METHODS = ("forward", "view_of", "update_all")
"""What is called by something else."""


def taking_arguments(f: Any) -> bool:
    """Whether a method has arguments, as far as is known."""
    try:
        return len(inspect.signature(f).parameters) > 1
    except ValueError:
        return True


def test_every_public_function_is_driven_with_each_of_its_arguments() -> None:
    calls, missing = called(), []
    for name, f in public():
        if not is_driven(f):
            continue
        if name not in calls and name.replace("func.", "tn.") not in calls:
            missing.append(name)
            continue
        given: set[str] = set()
        signature = inspect.signature(f)
        for call in calls.get(name, calls.get(name.replace("func.", "tn."), [])):
            named: dict[str, None] = {str(k.arg): None for k in call.keywords}
            given |= signature.bind_partial(*[None] * len(call.args), **named).arguments.keys()
        missing += [f"{name}({p})" for p in signature.parameters if p not in given and p not in UNNAMED]
    assert not missing, missing
