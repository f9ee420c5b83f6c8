"""Operands of several dtypes where PyTorch takes one: its words, by function.

A function of this table compares the dtypes of the operands named, once they are values. What is not in it promotes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tenure.errors import following
from tenure.torch.cells import Tensor
from tenure.torch.errors import TorchValueError, refuse
from tenure.torch.messages import spelled
from tenure.torch.names.precision import AUTOCAST, cast
from tenure.values.tensor.tensor import Tensor as Value

C_TYPES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "long int",
    "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "bool": "bool",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip
"""Names of dtypes in those of PyTorch's messages that name C++'s types."""
SHARED = "mixed dtype (CPU): all inputs must share same datatype."


def kind(x: Any) -> str:
    """Name of a value's dtype in most messages."""
    return spelled(x._aval.dtype.name)


def c_type(x: Any) -> str:
    """Name of a value's dtype in C++; "None" without a value."""
    return "None" if x is None else C_TYPES.get(x._aval.dtype.name, x._aval.dtype.name)


def expected(*xs: Any) -> str:
    """The first operand that differs from the first of all."""
    other = following(x for x in xs if x is not None and x._aval.dtype is not xs[0]._aval.dtype)
    return f"expected scalar type {kind(xs[0])} but found {kind(other)}"


def listed(text: str, name: Callable[[Any], str] = kind) -> Callable[..., str]:
    """A text with the names of the operands' dtypes."""
    return lambda *xs: text.format(*[name(x) for x in xs])


def product_added(added: Any, x: Any, y: Any) -> str:
    """A product of matrices that is added."""
    if added is None:
        return f"expected m1 and m2 to have the same dtype, but got: {c_type(x)} != {c_type(y)}"
    what, one = ("mat1", x) if added._aval.dtype is y._aval.dtype else ("self", added)
    return f"{what} and mat2 must have the same dtype, but got {kind(one)} and {kind(y)}"


def batches_added(added: Any, x: Any, y: Any) -> str:
    """Products of batches of matrices that are added."""
    if added._aval.dtype is x._aval.dtype:
        return expected(x, y)
    return listed("Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}", c_type)(added, x, y)


def product(x: Any, y: Any) -> str:
    """A product of matrices, of a matrix and a vector, or of vectors."""
    axes = len(x._aval.shape), len(y._aval.shape)
    if axes == (1, 1):
        return listed("dot : expected both vectors to have same dtype, but found {} and {}")(x, y)
    if axes == (2, 1):
        return listed("addmv input tensors must have the same dtype, but got {1}, {0}, and {1}")(x, y)
    if max(axes) > 2 and min(axes) > 2:
        return expected(x, y)
    return product_added(None, x, y)


def convolved(x: Any, weight: Any, bias: Any) -> str:
    """A convolution."""
    if bias is None or bias._aval.dtype is x._aval.dtype:
        return expected(x, weight)
    return f"Input type ({c_type(x)}) and bias type ({c_type(bias)}) should be the same"


def normalized(x: Any, *others: Any) -> str | None:
    """A normalization: parameters of float32 go with an input of half the bits."""
    name = x._aval.dtype.name
    if name in ("float16", "bfloat16") and all(y is None or y._aval.dtype.name in ("float32", name) for y in others):
        return None
    if x._aval.dtype.kind not in "fh":
        return None
    differ = [y for y in others if y is not None and y._aval.dtype is not x._aval.dtype]
    if name == "float64" or len(differ) > 1:
        return SHARED
    return "mixed dtype (CPU): expect parameter to have scalar type of Float" if differ[0] is others[0] else (
        expected(x, differ[0]))


def inner(x: Any, y: Any) -> str | None:
    """An inner product, that of a number promotes."""
    return "both inputs should have same dtype" if x._aval.shape and y._aval.shape else None


def parts(x: Any, y: Any) -> str:
    """Two parts of complex numbers."""
    if "i" in x._aval.dtype.kind + y._aval.dtype.kind:
        return listed("Expected both inputs to be Half, Float or Double tensors but got {} and {}")(x, y)
    return listed("Expected object of scalar type {} but got scalar type {} for second argument")(x, y)


def solved(function: str, x: str, y: str) -> Callable[..., str]:
    """Two operands of linalg."""
    of = f"but found {x} of type {{}} and {y} of type {{}} instead"
    return listed(f"{function}Expected {x} and {y} to have the same dtype, {of}")


SYSTEM = ("A B", solved("linalg.solve: ", "A", "B"))
FACTORED = "Expected b and A to have the same dtype, but found b of type {} and A of type {} instead."
MIXED: dict[str, tuple[str, Callable[..., str | None]]] = {
    "linear": ("input weight bias", lambda x, w, b: product_added(b, x, w)),
    "addmm": ("input mat1 mat2", product_added),
    "addbmm": ("input batch1 batch2", product_added),
    "addmv": ("input mat vec", listed("addmv input tensors must have the same dtype, but got {}, {}, and {}")),
    "baddbmm": ("input batch1 batch2", batches_added),
    "bmm": ("input mat2", expected),
    "mm": ("input mat2", product),
    "matmul": ("input other", product),
    "mv": ("input vec", product),
    "dot": ("input tensor", product),
    "vdot": ("input other", listed("vdot : expected both vectors to have same dtype, but found {} and {}")),
    "inner": ("input other", inner),
    "tensordot": ("a b", lambda x, y: "both inputs should have same dtype"),
    "allclose": ("input other", listed("{} did not match {}")),
    "cdist": ("x1 x2", expected),
    "cholesky_solve": ("input input2", listed(FACTORED)),
    "triangular_solve": ("input A", listed(FACTORED)),
    "solve": SYSTEM,
    "solve_ex": SYSTEM,
    "tensorsolve": SYSTEM,
    "lstsq": ("input b", listed(
        "torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's dtype {} and other's"
        " dtype {}")),
    "cross": ("input other", expected),
    "vecdot": ("x y", solved("linalg.vecdot: ", "x", "y")),
    "complex": ("real imag", parts),
    "polar": ("abs angle", parts),
    "heaviside": ("input values", lambda *xs: "heaviside is not yet implemented for tensors with different dtypes."),
    "lerp": ("input end", listed("expected dtype {} for `end` but got dtype {}", c_type)),
    "put": ("input source", listed("put_(): self and source expected to have the same dtype, but got self.dtype = {}"
                                   " and source.dtype = {}")),
    "bilinear": ("input1 input2 weight bias", listed(
        "All tensors must have the same dtype, got input1: {}, input2: {}, weight: {}, bias: {}", c_type)),
    "prelu": ("input weight", listed("prelu: Type promoting not supported. Got {} and {}")),
    "binary_cross_entropy": ("input target", lambda x, y: f"Found dtype {kind(y)} but expected {kind(x)}"),
    "nll_loss": ("input weight", expected),
    **{f"conv{n}d": ("input weight bias", convolved) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": ("input weight bias", expected) for n in (1, 2, 3)},
    "layer_norm": ("input weight bias", normalized),
    "group_norm": ("input weight bias", normalized),
    "batch_norm": ("input weight bias running_mean running_var", normalized),
    "instance_norm": ("input weight bias running_mean running_var", normalized),
}  # fmt: skip
"""Operands that are of one dtype, and PyTorch's words where they are not: None where it takes them."""


def mixed(name: str, *xs: Any) -> None:
    """Refuse operands of several dtypes, of which there are some."""
    said = MIXED[name][1](*xs)
    if said is not None:
        raise refuse(said)


def several(*xs: Any) -> str:
    """Matrices of a product of many."""
    k = [x._aval.dtype is xs[0]._aval.dtype for x in xs].index(False)
    said = f"tensor {k - 1} is {c_type(xs[k - 1])} and tensor {k} {c_type(xs[k])}"
    return f"multi_dot(): all tensors must have be the same dtype but {said}"


MIXED["multi_dot"] = "*", several
MIXED["cartesian_prod"] = "*", lambda *xs: "meshgrid expects all tensors to have the same dtype"


def recurrent(x: Any, weight: Any, *others: Any) -> str:
    """The input of a recurrent layer."""
    mine, its = f"torch.{x._aval.dtype.name}", f"torch.{weight._aval.dtype.name}"
    return (f"RNN input dtype ({mine}) does not match weight dtype ({its}). Convert input: input.to({its}), or convert"
            f" model: model.to({mine})")  # fmt: skip


LAYERS: dict[str, str] = {
    **{f"{kind}{n}d": f"{name}{n}d" for n in (1, 2, 3) for kind, name in
       (("Conv", "conv"), ("ConvTranspose", "conv_transpose"))},
    **{f"{kind}{n}d": name for n in (1, 2, 3) for kind, name in
       (("BatchNorm", "batch_norm"), ("InstanceNorm", "instance_norm"))},
    **dict.fromkeys(("Linear", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention"), "linear"),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), "recurrent"),
    "PReLU": "prelu", "LayerNorm": "layer_norm", "GroupNorm": "group_norm",
}  # fmt: skip
"""Layers whose input is of the dtype of their parameters, and the function whose words they have."""
CASTING = frozenset({"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"})
"""Layers that bring their input and their parameters to one dtype under autocast."""
NORMS = frozenset({"layer_norm", "group_norm", "batch_norm", "instance_norm", "rms_norm"})
"""Normalizations: the result is of the input's dtype, also beside parameters of float32."""
MIXED["recurrent"] = "", recurrent


def layer(name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a layer that refuses an input of another dtype than its first parameter's."""
    if name in ("CrossEntropyLoss", "NLLLoss"):
        return of_classes(forward)
    if name == "RMSNorm":
        return normalizing(forward)
    if name not in LAYERS:
        return forward
    forward = normalizing(forward) if LAYERS[name] in NORMS else forward
    function, names = LAYERS[name], ("bias", "in_proj_bias", "bias_hh")

    @functools.wraps(forward)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        x = args[0] if args else None
        if isinstance(x, Tensor):
            held = self.__dict__["_parameters"]
            weight = following(iter(held.values())) if held else None
            differ = isinstance(weight, Tensor) and weight._aval.dtype is not x._aval.dtype
            if differ and not (AUTOCAST.dtype and name in CASTING and x._aval.dtype.name != "float64"):
                bias = [held[name] for name in names if isinstance(held.get(name), Tensor)]
                kept = [x, weight, bias[0]._read() if bias else None][: 2 if function == "prelu" else 3]
                try:
                    mixed(function, *kept)
                except RuntimeError as error:
                    raise (refuse(error.args[0], TorchValueError) if function == "recurrent" else error) from None
        return forward(self, *args, **kwargs)

    return call


def normalizing(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a normalization."""

    @functools.wraps(forward)
    def call(self: Any, input: Any) -> Any:
        return of_input(forward(self, input), input)

    return call


def of_input(found: Any, x: Any) -> Any:
    """The result of a normalization, in the dtype of its input."""
    if not isinstance(x, Value) or x._aval.dtype is found._aval.dtype:
        return found
    return cast(found, x._aval.dtype)


def check_classes(target: Any) -> None:
    """RuntimeError for classes that are whole numbers of another dtype than PyTorch takes."""
    if hasattr(target, "_aval") and target._aval.dtype.kind in "biu":
        name = target._aval.dtype.name
        if name not in ("int64", "uint8"):
            raise refuse(f"expected target dtype to be Long or Byte, but got {spelled(name)}")


def of_classes(forward: Callable[..., Any]) -> Callable[..., Any]:
    """``forward`` of a loss whose target may be classes."""

    @functools.wraps(forward)
    def call(self: Any, input: Any, target: Any) -> Any:
        check_classes(target)
        return forward(self, input, target)

    return call


def check_lines(name: str, names: list[str]) -> list[str]:
    """Lines of a function that compare its operands' dtypes."""
    of_classes = ["_classes(target)"] if name in ("cross_entropy", "nll_loss") else []
    if name not in MIXED:
        return of_classes
    operands = MIXED[name][0].split()
    if operands == ["*"]:
        return [f"if len({{_x._aval.dtype for _x in tensors}}) > 1: _mixed({name!r}, *tensors)"]
    if not set(operands) <= set(names):
        return []
    first, *others = operands
    differ = " or ".join([f"(type({x}) is _V and {x}._aval.dtype is not {first}._aval.dtype)" for x in others])
    return [*of_classes, f"if {differ}: _mixed({name!r}, {', '.join(operands)})"]
