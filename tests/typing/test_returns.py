"""No public function, method or property returns Any, but for those that return what the user's own code decides."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_overloads

from tenure.values.operations.at import At, AtIndex
from tests.test_docstrings import CLASSES, DOCUMENTED

ANYTHING = {
    "Tensor.tolist": "a number, or lists nested as deep as the tensor has axes",
    "Module.forward": "what a subclass makes of it",
    "AveragedModel.forward": "what the averaged model makes of it",
    "RNNBase.forward": "the state is a tensor, or a pair of them, as the kind of layer has it",
    "RNNCellBase.forward": "the state is a tensor, or a pair of them, as the kind of cell has it",
    "DataParallel.forward": "what its module makes of it",
    "data.default_collate": "of the form of a sample",
    "data.default_convert": "of the form of a sample",
    "tn.load": "what was saved",
    "tn.load_checkpoint": "the states and data of a file by name",
    "state_dict": "values and numbers by name",
    "StackDataset.datasets": "as given",
    "Function.apply": "what forward of a subclass makes of it",
    "Function.backward": "gradients in the form of the arguments",
    "Function.forward": "what a subclass makes of it",
    "grad": "the gradient has the form of the arguments that argnums names",
    "value_and_grad": "the gradient has the form of the arguments that argnums names",
    "jacrev": "the Jacobian has the form of result and arguments",
    "jacfwd": "the Jacobian has the form of result and arguments",
    "hessian": "the derivatives have the form of result and arguments",
    "vjp": "cotangents have the form of the arguments",
}
"""What may return Any, and why."""


def functions() -> Iterator[tuple[str, Any]]:
    """Public functions, methods and properties by name."""
    for name, f in DOCUMENTED.items():
        if inspect.isfunction(f):
            yield name, f
    for cls in (*CLASSES, At, AtIndex, *[f for f in DOCUMENTED.values() if inspect.isclass(f)]):
        for name, member in vars(cls).items():
            f = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if isinstance(member, staticmethod):  # for the recorder, which cannot import the class
                continue
            if not name.startswith("_") and inspect.isfunction(f) and f.__name__ != "refuse":
                yield f"{cls.__name__}.{name}", f


def returned(f: Any) -> Iterator[str]:
    """The annotations of a function's results: those of its overloads, if it has any."""
    own = inspect.unwrap(f)
    for form in get_overloads(own) or [own]:
        yield str(form.__annotations__.get("return", "Any"))


def test_a_result_has_a_type() -> None:
    loose = {name: [said for said in returned(f) if re.search(r"\bAny\b", said)] for name, f in functions()}
    told = {name for name in loose if name in ANYTHING or name.split(".")[-1] in ANYTHING}
    assert not {name: said for name, said in loose.items() if said and name not in told}


