"""Every public function and class says what it is in one line, and shows it in an example that runs."""

from __future__ import annotations

import doctest
import inspect
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tenure as tn
from tenure import data, nn, optim
from tenure.nn import functional
from tenure.values.places import written
from tests.bunches import bunches
from tests.test_driven import public

SHORTHANDS = {"tn": tn, "np": np, "nn": nn, "F": functional, "optim": optim, "data": data}
"""The names that the examples use without an import."""
NO_EXAMPLE = ("tn.Ref", "tn.Mut", "tn.Own", "tn.Size")
"""Annotations, and Python's tuple: the words are in the module, an example in ``tn.checked``."""


CLAUSES = ("what", "who", "whose", "which", "how", "where", "when", "why", "it", "its", "they", "their", "this", "that")
"""A first line that opens with one of these is a clause about a thing that it does not name."""


def documented() -> dict[str, Any]:
    """Every public function and class by its name, but for modules, dtypes and annotations."""
    found = dict(public())
    return {name: f for name, f in found.items() if callable(f) and not inspect.ismodule(f) and name not in NO_EXAMPLE}


DOCUMENTED = documented()
ERRORS = {n for n, f in DOCUMENTED.items() if isinstance(f, type) and issubclass(f, BaseException)}


def own_docstring(f: Any) -> str:
    """The docstring of an object itself, not one that it inherits."""
    return inspect.cleandoc(f.__doc__ or "")


def first_line(doc: str) -> str:
    """The line that says what a thing is, if it stands alone, is a sentence and names the thing; else nothing."""
    lines = doc.splitlines() or [""]
    alone = len(lines) == 1 or not lines[1]
    named = lines[0].partition(" ")[0].lower() not in CLAUSES
    return lines[0] if alone and named and lines[0].endswith((".", ".)")) else ""


def test_a_first_line_says_what_it_is() -> None:
    docs = {name: own_docstring(of) for name, of in DOCUMENTED.items()}
    assert not {name: doc[:200] for name, doc in docs.items() if not first_line(doc)}


def methods() -> dict[str, Any]:
    """The public methods of values and places, but for in-place forms of other methods."""
    found = {}
    for cls in (tn.Tensor, tn.Var):
        for name in dir(cls):
            method = getattr(cls, name)
            form = name.endswith("_") and callable(getattr(tn.Tensor, name[:-1], None))
            if not name.startswith("_") and callable(method) and not form and name not in OF_THE_RUN_TIME:
                found[f"{cls.__name__}.{name}"] = method
    return found


OF_THE_RUN_TIME = ("of",)
"""Methods that the library alone calls."""
METHODS = methods()


FORMS = {f"tn.{name}" for name in written.__all__}
"""In-place methods as functions."""


@bunches("names", sorted((DOCUMENTED.keys() - ERRORS - FORMS) | METHODS.keys()))
def test_examples_run(names: list[str]) -> None:
    said: list[str] = []
    for name in names:
        doc = own_docstring(DOCUMENTED.get(name) or METHODS[name])
        test = doctest.DocTestParser().get_doctest(doc, dict(SHORTHANDS), name, inspect.getsourcefile(tn), 0)
        assert test.examples, f"{name} has no example"
        flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
        doctest.DocTestRunner(optionflags=flags).run(test, out=said.append)
    assert not said, "".join(said)


CLASSES = (tn.Tensor, tn.Var, tn.Borrow, tn.SharedBorrow, tn.Generator, tn.Shared, nn.Module, nn.Parameter)
CLASSES += (optim.Optimizer, nn.Sequential, nn.ModuleList, nn.ModuleDict)


def members() -> Iterator[tuple[str, Any]]:
    """The public methods and properties of the classes that users hold objects of, refused ones left out."""
    for cls in CLASSES:
        for name in dir(cls):
            member = inspect.getattr_static(cls, name)
            if not name.startswith("_") and not (isinstance(member, property) and refuses(member)):
                yield f"{cls.__name__}.{name}", member


def refuses(member: property) -> bool:
    """Whether an attribute is there only to say what to write instead."""
    return member.fget is not None and member.fget.__name__ == "refuse"


def test_every_method_has_a_first_line() -> None:
    missing = []
    for name, member in members():
        function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        described = callable(function) or inspect.isdatadescriptor(function)
        if described and not first_line(inspect.cleandoc(function.__doc__ or "")):
            missing.append(name)
    assert not missing, missing


def test_star_import_and_help_list_the_names() -> None:
    names: dict[str, Any] = {}
    exec("from tenure import *", names)
    top = {name.removeprefix("tn.") for name in dict(public()) if re.fullmatch(r"tn\.\w+", name)}
    assert set(tn.__all__) == top <= names.keys()
    page = pydoc.plain(pydoc.render_doc(tn))
    assert all(f"{name}(" in page for name in ("matmul", "zeros", "grad")) and "Matrix product" in page


def test_the_package_ships_its_types() -> None:
    assert Path(tn.__file__).with_name("py.typed").exists()
