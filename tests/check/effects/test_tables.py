"""The notation of the tables, their look-ups, and that every entry can be read and names something real."""

from __future__ import annotations

import builtins
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.check.effects import tables
from tenure.check.effects.effect import Effect
from tenure.check.effects.notation import parse, sections

LIBRARIES = sorted(path.stem for path in tables._DATA.glob("*.effects") if not path.stem.endswith("_schemas"))
ROLES = {
    word.strip(",`") for line in (tables.__doc__ or "").splitlines() if line.startswith("    ") for word in line.split()
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_entry_is_read(library: str) -> None:
    for (what, of), entries in tables._sections(library).items():
        assert what in ("functions", "methods", "attributes", "classes")
        assert entries
        for name, entry in entries.items():
            effect = parse(entry, what in ("methods", "attributes"))
            assert effect.role == "" or effect.role in ROLES, (of, name)
            if what == "classes":
                assert effect == Effect(kind=effect.kind), (of, name)
            if what == "attributes":
                assert not (effect.writes or effect.resizes or effect.parameters[1:])


@pytest.mark.parametrize("of", sorted(of for what, of in tables._sections("python") if what == "functions"))
def test_names_of_the_standard_library_exist(of: str) -> None:
    home = (
        builtins if of == "builtins" else itertools_chain() if of == "itertools.chain" else importlib.import_module(of)
    )
    later = {"batched", "binomialvariate", "replace"}  # of Python 3.12 and 3.13
    for name in tables._sections("python")["functions", of]:
        assert hasattr(home, name) or name in later, f"{of} has no {name}"


def itertools_chain() -> object:
    import itertools

    return itertools.chain


def test_clauses() -> None:
    entry = " (a, b, rest+, *, key): new list of view b as ndarray, writes a key, resizes rest[], captures b.grad"
    effect = parse(entry, False)
    assert effect == Effect(
        kind="list",
        items="view",
        of=("1",),
        item_kind="ndarray",
        writes=("0", "key"),
        resizes=("2+[]",),
        captures=("1.grad",),
        parameters=("a", "b", "rest+"),
    )
    assert parse(": view self", True) == Effect("view", ("0",), "same", parameters=("self",))
    assert parse(": nothing, metadata, role step", False) == Effect(kind="scalar", reads=False, role="step")
    assert parse(" (x, out): new ndarray, out", False).out == "1"
    assert parse(" (x, *, out): new ndarray, out", False).writes == ("out",)


def test_variants_hold_for_a_constant_argument() -> None:
    effect = parse(" (input, inplace): new tensor, saves result | inplace=True: alias input, writes input", False)
    assert effect.given({}) is effect
    assert effect.given({"1": False}) is effect
    changed = effect.given({"1": True})
    assert (changed.result, changed.of, changed.writes, changed.saves) == ("alias", ("0",), ("0",), ())


@pytest.mark.parametrize(
    "entry",
    [": frobnicates self", ": view nobody", ": new nonsense", ": view self as nonsense", " (a): writes b", ": out"],
)
def test_a_mistake_in_a_table_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="no (clause|kind|parameter)"):
        parse(entry, True)


def test_sections() -> None:
    text = "# said\n\n[methods list]\npop index: new scalar\n[methods list]\nindex (x): new unknown\n"
    assert sections(text) == {("methods", "list"): {"pop": ": new scalar", "index": "(x): new unknown"}}


def test_look_ups() -> None:
    def function(name: str) -> Effect:
        effect = tables.function(name)
        assert effect is not None
        return effect

    assert function("builtins.list") is function("list")
    assert function("list.append") is tables.method("list", "append")
    assert function("torch.Tensor.mul_") is tables.method("tensor", "mul_")
    assert function("autograd.numpy.sort") is function("numpy.sort")
    assert function("torch.nn.functional.relu").given({"1": True}).writes == ("0",)
    assert tables.function("torch.frobnicate") is None
    assert tables.function("nowhere.near") is None
    assert tables.function("frobnicate") is None
    assert tables.method("unknown", "append") is None
    assert tables.method("tensor", "frobnicate") is None
    assert tables.attribute("list", "append") is None
    assert tables.class_kind("torch.Tensor") == "tensor"
    assert tables.class_kind("list") == tables.class_kind("typing.List") == "list"
    assert tables.class_kind("torch.frobnicate") is None
    assert tables.class_kind("tenure.nn.Module") == "tenure-module"


def test_names_of_tenure_that_write_end_with_an_underscore() -> None:
    for kind in ("var", "borrow"):
        assert tables.method(kind, "frobnicate_") == Effect(
            "alias", ("0",), "same", writes=("0",), parameters=("self",)
        )
        plain = tables.method(kind, "frobnicate")
        assert plain is not None and (plain.result, plain.kind) == ("owned", "value")
    assert tables.method("value", "__iadd__") is None, "+= rebinds the name of a value"
    assert tables.method("var", "__frobnicate__") is None


def test_what_is_not_asked_for_is_not_read(tmp_path: Path) -> None:
    program = (
        "from tenure.check.effects import tables; tables.function('numpy.sort');"
        "print(tables._sections.cache_info().currsize)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "1\n"
