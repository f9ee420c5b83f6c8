"""Error of a call of the table that failed: the complaint of PyTorch's argument parser, else the failure itself."""

from __future__ import annotations

from typing import Any

from tenure.errors import TenureError
from tenure.torch.errors import Shown, TorchTypeError
from tenure.torch.messages.binding import complaint, table
from tenure.torch.names.arguments import failed
from tenure.values.rules.sites import here, site

PREFIXES = {"linalg": "linalg_", "fft": "fft_", "special": "special_", "Tensor": ".", "Tensor_": ".", "F": "F."}


def key_of(place: str, name: str) -> str:
    """The name under which PyTorch's signatures of a function of a place stand."""
    return f"{PREFIXES.get(place, '')}{name}{'_' if place == 'Tensor_' else ''}"


def raised(function: Any, key: str, error: Exception, scope: dict[str, Any]) -> Exception:
    """The error of a function of the table that failed, whose variables are as they were when it did."""
    is_of_values = isinstance(error, Shown) and isinstance(error, IndexError)
    said = None if is_of_values else complaint(key, *given(function, key, scope))
    if said is not None and said[0] == "'":
        return AttributeError(said)
    if said is not None:
        return TorchTypeError(said, at=site(here()))
    if isinstance(error, TenureError | ValueError):
        first = function.__code__.co_varnames[:1]
        return failed(function.__name__.rstrip("_"), error, *[scope.get(n) for n in first])
    return error


def given(function: Any, key: str, scope: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments that a function was given: by position up to the first that has its default, then by name."""
    function = function.__globals__.get("_real", function)  # behind one that asks its arguments
    code, defaults = function.__code__, function.__defaults__ or ()
    named = {p.name for form in table().get(key, ()) for p in form.parameters if p.by_keyword}
    names = code.co_varnames[: code.co_argcount]
    usual = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True), **(function.__kwdefaults__ or {}))
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for k, name in enumerate(names):
        if name in usual and scope[name] is usual[name]:
            continue
        if len(args) == k and name not in named:
            args.append(scope[name])
        else:
            kwargs[name] = scope[name]
    spread = ""
    if code.co_flags & 4:  # sizes one by one, which the function has put together under their plain name
        spread = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        args.extend(scope[spread] or [scope[n] for n in (spread[1:],) if scope.get(n) is not None])
    for name in code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]:
        if scope[name] is not usual.get(name) and f"_{name}" != spread:
            kwargs[name] = scope[name]
    return (args[1:] if key[0] == "." else args), kwargs
