"""Namespaces of PyTorch that have no meaning here: their names exist, answer what can be answered, and refuse the rest.

A class of such a namespace is a class (so ``isinstance`` says False), which cannot be constructed; a function raises a
NotImplementedError that says why, and what to use. Modules are made when they are asked for.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Final

from tenure.errors import TenureError
from tenure.torch import virtual
from tenure.values.rules.sites import here, site

GRAPHS = "programs are compiled as they run: there is no graph of PyTorch's to be had"
PROCESSES = "ranks communicate by torch.distributed's collectives and nn.parallel.DistributedDataParallel"
TABLE: dict[str, tuple[str, str]] = {
    "fx": ("Graph GraphModule Interpreter Node Proxy Tracer GraphAppendingTracer Transformer map_arg symbolic_trace"
           " replace_pattern subgraph_rewriter", GRAPHS),
    "_tensor_str": ("_tensor_str _add_suffixes _str _str_intern Formatter", "tensors print as repr() says"),
    "fx.node": ("Node map_arg map_aggregate Argument", GRAPHS),
    "fx.graph": ("Graph", GRAPHS),
    "fx.proxy": ("Proxy GraphAppendingTracer", GRAPHS),
    "fx.graph_module": ("GraphModule _CodeOnlyModule _USER_PRESERVED_ATTRIBUTES_KEY _copy_attr", GRAPHS),
    "onnx": ("ExportOptions OnnxRegistry TensorProtoDataType dynamo_export export register_custom_op_symbolic"
             " unregister_custom_op_symbolic ONNXProgram OperatorExportTypes TrainingMode", GRAPHS),
    "onnx.symbolic_helper": ("parse_args", GRAPHS),
    "onnx.symbolic_opset11": ("squeeze unsqueeze", GRAPHS),
    "onnx.operators": ("shape_as_tensor", GRAPHS),
    "export": ("Dim ExportedProgram export save load register_dataclass", GRAPHS),
    "quantization": ("QuantStub DeQuantStub default_dynamic_qconfig per_channel_dynamic_qconfig quantize_dynamic"
                     " quantize prepare prepare_qat convert fuse_modules get_default_qconfig get_default_qat_qconfig"
                     " compare_model_outputs compare_model_stub QConfig", "there are no quantized tensors"),
    "ao": ("", ""),
    "ao.quantization": ("QuantStub DeQuantStub quantize_dynamic prepare convert", "there are no quantized tensors"),
    "ao.nn": ("", ""),
    "ao.nn.quantized": ("FloatFunctional", "there are no quantized tensors"),
    "nn.quantized": ("FloatFunctional", "there are no quantized tensors"),
    "nn.intrinsic": ("ConvReLU2d LinearReLU", "there are no quantized tensors"),
    "distributed.rpc": ("RRef init_rpc rpc_sync rpc_async remote shutdown get_worker_info"
                        " TensorPipeRpcBackendOptions", PROCESSES),
    "distributed.fsdp": (
        "FullyShardedDataParallel MixedPrecision MixedPrecisionPolicy ShardingStrategy StateDictType"
        " FullStateDictConfig CPUOffload BackwardPrefetch fully_shard FSDPModule ShardedOptimStateDictConfig"
        " OptimStateKeyType", PROCESSES),
    "distributed._composable": ("", PROCESSES),
    "distributed._composable.fsdp": ("FSDPModule MixedPrecisionPolicy fully_shard", PROCESSES),
    "distributed.fsdp.wrap": ("ModuleWrapPolicy transformer_auto_wrap_policy size_based_auto_wrap_policy", PROCESSES),
    "distributed.fsdp.sharded_grad_scaler": ("ShardedGradScaler", PROCESSES),
    "distributed.fsdp.fully_sharded_data_parallel": ("FullyShardedDataParallel OptimStateKeyType StateDictType",
                                                     PROCESSES),
    "distributed.tensor": ("DTensor Shard Replicate distribute_tensor DeviceMesh init_device_mesh", PROCESSES),
    "distributed.tensor.experimental": ("implicit_replication", PROCESSES),
    "distributed._tensor": ("DTensor Shard Replicate Partial distribute_tensor DeviceMesh init_device_mesh", PROCESSES),
    "distributed._tensor.experimental": ("implicit_replication", PROCESSES),
    "distributed.tensor.parallel": ("ColwiseParallel RowwiseParallel SequenceParallel parallelize_module", PROCESSES),
    "distributed.optim": ("DistributedOptimizer ZeroRedundancyOptimizer", PROCESSES),
    "distributed.nn": ("RemoteModule all_gather all_reduce", PROCESSES),
    "distributed.autograd": ("backward context", PROCESSES),
    "distributed.device_mesh": ("DeviceMesh init_device_mesh", PROCESSES),
    "distributed.pipeline": ("", PROCESSES),
    "distributed.pipelining": ("pipeline", PROCESSES),
    "distributed.algorithms": ("", PROCESSES),
    "distributed.algorithms.join": ("Join Joinable JoinHook", PROCESSES),
    "distributed.algorithms._checkpoint": ("", PROCESSES),
    "distributed.algorithms._checkpoint.checkpoint_wrapper": (
        "CheckpointImpl apply_activation_checkpointing checkpoint_wrapper", PROCESSES),
    "distributed.checkpoint": ("FileSystemReader FileSystemWriter load save load_state_dict save_state_dict",
                               PROCESSES),
    "distributed.checkpoint.state_dict": (
        "StateDictOptions get_model_state_dict get_optimizer_state_dict get_state_dict set_model_state_dict"
        " set_optimizer_state_dict set_state_dict", PROCESSES),
    "distributed._functional_collectives": ("all_gather_tensor all_reduce", PROCESSES),
    "distributed.utils": ("", PROCESSES),
    "library": ("Library define impl custom_op register_autograd register_fake register_kernel opcheck triton_op"
                " wrap_triton", "operators are Python functions here: torch.autograd.Function gives one a derivative"),
    "_custom_ops": ("custom_op get_ctx impl impl_abstract", "operators are Python functions here"),
    "nested": ("nested_tensor as_nested_tensor to_padded_tensor",
               "there are no nested tensors: nn.utils.rnn.pad_sequence and a mask"),
    "package": ("PackageExporter PackageImporter", "torch.save and torch.load"),
    "_dynamo": ("OptimizedModule explain export optimize", GRAPHS),
    "_dynamo.eval_frame": ("OptimizedModule", GRAPHS),
    "_dynamo.utils": ("is_compile_supported", GRAPHS),
    "_dynamo.exc": ("TorchDynamoException Unsupported", GRAPHS),
    "_subclasses": ("FakeTensor FakeTensorMode", GRAPHS),
    "_subclasses.fake_tensor": ("FakeTensor FakeTensorMode", GRAPHS),
    "fx.experimental": ("", GRAPHS),
    "fx.experimental.proxy_tensor": ("make_fx", GRAPHS),
    "_jit_internal": ("", GRAPHS),
    "_inductor": ("compile aot_compile", GRAPHS),
    "_inductor.config": ("", GRAPHS),
    "_higher_order_ops": ("associative_scan scan while_loop cond", "a loop of Python is compiled as it runs"),
    "classes": ("load_library", "there are no classes of TorchScript"),
    "utils._python_dispatch": (
        "TorchDispatchMode is_traceable_wrapper_subclass return_and_correct_aliasing",
        "functions are asked by __torch_function__ of a class; forward hooks of modules see each layer"),
    "ops": ("", "there are no operators of PyTorch's library"),
}  # fmt: skip
"""For each module: names, and why they are refused."""


def _passed(x: Any = None, *args: Any, **kwargs: Any) -> Any:
    return x if callable(x) else _passed


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


def load_library(path: Any) -> Any:
    """OSError: a library of operators is built against PyTorch's; packages go on without theirs."""
    raise OSError(f"{path}: a library of operators for PyTorch does not run on Tenure's engine")


class Operator:
    """An operator of PyTorch's library, or a family of them: a name that programs register things for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Operator:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = Operator(f"{self._name}.{name}")
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise missing(self._name, "call the function of that name in torch")

    def __repr__(self) -> str:
        return self._name


ANSWERS: dict[str, dict[str, Any]] = {
    "fx": {"wrap": _passed},
    "library": {"register_fake": _passed, "impl_abstract": _passed},  # for shapes in PyTorch's compiler
    "onnx.symbolic_helper": {"parse_args": _passed},  # what is registered for an export is never called
    "onnx": {
        "is_in_onnx_export": lambda: False, "register_custom_op_symbolic": _nothing,
        "select_model_mode_for_export": None,
    },
    "_dynamo": {
        "allow_in_graph": _passed, "disable": _passed, "is_compiling": lambda: False, "graph_break": lambda: None,
        "mark_static_address": lambda *args, **kwargs: None, "reset": lambda: None, "mark_dynamic": lambda *a: None,
        "config": None,
    },
    "_subclasses.fake_tensor": {"is_fake": lambda x: False},
    "fx.experimental.proxy_tensor": {"get_proxy_mode": lambda: None},
    "_jit_internal": {
        "_copy_to_script_wrapper": _passed, "export": _passed, "ignore": _passed, "unused": _passed,
        "is_scripting": lambda: False, "Final": Final,
        "BroadcastingList1": list, "BroadcastingList2": list, "BroadcastingList3": list,
    },
    "ops": {"load_library": load_library, "aten": Operator("torch.ops.aten"), "prim": Operator("torch.ops.prim")},
    "_tensor_str": {"PRINT_OPTS": None},
    "_inductor": {"cudagraph_mark_step_begin": lambda: None},
}  # fmt: skip
"""Names that are answered."""


class TorchNotImplementedError(TenureError, NotImplementedError):
    """Error for a name that is not to be had on Tenure's engine."""


def missing(what: str, why: str) -> TenureError:
    """The error for a name that is not to be had."""
    return TorchNotImplementedError(f"{what} is not to be had on Tenure's engine", at=site(here()), help=why or None)


def refused(module: str, name: str, why: str | None = None) -> Any:
    """A class or function of an absent namespace, or of another one for a reason that is given."""
    why, what = TABLE[module][1] if why is None else why, f"torch.{module}.{name}"

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise missing(what, why)

    if name.isidentifier() and name.lstrip("_")[:1].isupper():
        return type(name, (), {"__new__": refuse, "__module__": f"torch.{module}", "__doc__": f"{what}: {why}."})
    refuse.__name__ = refuse.__qualname__ = name
    refuse.__module__ = f"torch.{module}"
    return refuse


def made(name: str) -> ModuleType | None:
    """The module of a dotted name below ``torch``, made now if need be; None if it is not one of these."""
    there = sys.modules.get(f"tenure.torch.{name}")
    if there is not None or name not in TABLE:
        return there
    answers = ANSWERS.get(name, {})
    below = [key[len(name) + 1 :] for key in TABLE if key.startswith(f"{name}.")]
    children = [key for key in below if "." not in key]

    def get(wanted: str) -> Any:
        if wanted in answers:
            return answers[wanted]
        return made(f"{name}.{wanted}") if wanted in children else refused(name, wanted)

    names = dict.fromkeys([*TABLE[name][0].split(), *answers, *children])
    return virtual.room(name, get, names, f"``torch.{name}``: {TABLE[name][1]}.")
