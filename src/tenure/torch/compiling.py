"""``torch.compile``, ``torch.jit`` and ``torch.compiler``: programs are compiled as they run, so all give the function
back."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable
from typing import Any, Final

from tenure.torch import virtual
from tenure.torch.absent import missing
from tenure.torch.nn.module import Module

_WHY = "Python runs as it is, and is compiled as it runs: save the state_dict by torch.save, and keep the class"


def compile(
    model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None, backend: Any = "inductor",
    mode: str | None = None, options: Any = None, disable: bool = False,
) -> Any:  # fmt: skip
    """The function or module itself."""
    return model if model is not None else _given


def _given(x: Any) -> Any:
    return x


def _decorated(function: Any = None, *args: Any, **kwargs: Any) -> Any:
    """A function, or a decorator that gives it back."""
    return function if callable(function) else _given


def script(obj: Any, *args: Any, **kwargs: Any) -> Any:
    """The function, module or class itself."""
    return obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
    """The function or module itself."""
    return func


def freeze(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """The module itself."""
    return mod


def optimize_for_inference(mod: Any, *args: Any, **kwargs: Any) -> Any:
    """The module itself."""
    return mod


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def is_scripting() -> bool:
    """False."""
    return False


is_tracing = is_compiling = is_dynamo_compiling = is_exporting = is_scripting


class ScriptModule(Module):
    """A module: there is no TorchScript."""

    __module__ = "torch.jit"


class TracerWarning(Warning):
    """Warning of traces, which there are none of."""

    @staticmethod
    def ignore_lib_warnings() -> None:
        """Nothing to ignore."""


class CompilationMode(enum.Enum):
    """Ways to compile."""

    default = "default"
    max_autotune = "max-autotune"


def _refuse(name: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise missing(f"torch.jit.{name}", _WHY)

    return refuse


_JIT: dict[str, Any] = {
    "Attribute": lambda value, type=None: value, "Error": RuntimeError, "Final": Final, "ScriptFunction": type(_given),
    "ScriptModule": ScriptModule, "RecursiveScriptModule": ScriptModule, "TracerWarning": TracerWarning,
    "_overload": _decorated, "_overload_method": _decorated, "_script_if_tracing": _given, "annotate": annotate,
    "enable_onednn_fusion": lambda enabled: None, "export": _decorated, "fork": lambda f, *a, **k: f(*a, **k),
    "freeze": freeze, "fuser": lambda name: contextlib.nullcontext(), "ignore": _decorated, "interface": _given,
    "is_scripting": is_scripting, "is_tracing": is_tracing, "isinstance": isinstance, "load": _refuse("load"),
    "onednn_fusion_enabled": lambda: False, "optimize_for_inference": optimize_for_inference,
    "optimized_execution": lambda flag: contextlib.nullcontext(), "save": _refuse("save"), "script": script,
    "script_if_tracing": _given, "script_method": _given, "set_fusion_strategy": lambda strategy: None,
    "trace": trace, "trace_module": lambda mod, inputs, *a, **k: mod, "unused": _decorated, "wait": _given,
}  # fmt: skip
_COMPILER: dict[str, Any] = {
    "allow_in_graph": _decorated, "assume_constant_result": _given, "compile": compile,
    "cudagraph_mark_step_begin": lambda: None, "disable": _decorated, "is_compiling": is_compiling,
    "is_dynamo_compiling": is_compiling, "is_exporting": is_compiling, "list_backends": lambda *a, **k: [],
    "reset": lambda: None, "set_stance": lambda *a, **k: contextlib.nullcontext(), "substitute_in_graph": _decorated,
}  # fmt: skip
jit = virtual.room("jit", _JIT.__getitem__, _JIT, "``torch.jit``: functions and modules run as they are.")
compiler = virtual.room("compiler", _COMPILER.__getitem__, _COMPILER, "``torch.compiler``.")
virtual.room("jit.annotations", lambda name: list, ["BroadcastingList1", "BroadcastingList2", "BroadcastingList3"])
virtual.room("jit._script", _JIT.__getitem__, ["script", "ScriptModule"])
