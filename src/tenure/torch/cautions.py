"""Warnings that PyTorch gives: of forms that will go, of defaults that have changed, of results that are not numbers.

A row of the table has the name of a function, a parameter that its row of that name has (where a name has several), the
condition as an expression over its parameters, and PyTorch's text.
"""

from __future__ import annotations

import warnings
from math import prod
from typing import Any, NamedTuple

from tenure.values.rules.sites import user_frame

GRIDS = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify"
    " align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)
MEANS = (
    "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by"
    " the batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as"
    " 'batchmean' in the next major release."
)
UPSAMPLED = "`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead."
FREEDOM = (
    "{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel"
    " divided by output numel)."
)
OBSERVATIONS = "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations."
RANGE = (
    "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with"
    " Python's range builtin. Instead, use torch.arange, which produces values in [start, end)."
)
MESHES = "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument."
BYTES = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."
CROSSED = (
    "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or simply"
    " use torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross in a future"
    " release."
)
CHOLESKY = (
    "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch release.\n"
    "L = torch.cholesky(A)\nshould be replaced with\nL = torch.linalg.cholesky(A)\nand\nU = torch.cholesky(A,"
    " upper=True)\nshould be replaced with\nU = torch.linalg.cholesky(A).mH\nThis transform will produce equivalent"
    " results for all valid (symmetric positive definite) inputs."
)
QR = (
    "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.\nThe boolean"
    " parameter 'some' has been replaced with a string parameter 'mode'.\nQ, R = torch.qr(A, some)\nshould be replaced"
    " with\nQ, R = torch.linalg.qr(A, 'reduced' if some else 'complete')"
)
WINDOWLESS = (
    "A window was not provided. A rectangular window will be applied,which is known to cause spectral leakage. Other"
    " windows such as torch.hann_window or torch.hamming_window are recommended to reduce spectral leakage.To suppress"
    " this warning and use a rectangular window, explicitly set `window=torch.ones(n_fft, device=<device>)`."
)
CHANNELS = (
    "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input"
    " is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future release to"
    " interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise"
    " dropout behavior, please switch to using dropout1d instead."
)
AXES = (
    "{name}: Received a {n}-D input to {name}, which is deprecated and will result in an error in a future release. To"
    " retain the behavior and silence this warning, please use dropout instead. Note that {name} exists to provide"
    " channel-wise dropout on inputs with {k} spatial dimensions, a channel dimension, and an optional batch dimension"
    " (i.e. {low}D or {high}D inputs)."
)
SCALAR = (
    "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using"
    " tensor.detach() first."
)
INVARIANTS = (
    "Sparse invariant checks are implicitly disabled. Memory errors (e.g. SEGFAULT) will occur when operating on a"
    " sparse tensor which violates the invariants, but checks incur performance overhead. To silence this warning,"
    " explicitly opt in or out. See `torch.sparse.check_sparse_tensor_invariants.__doc__` for guidance. "
)
COMPRESSED = (
    "Sparse CSR tensor support is in beta state. If you miss a functionality in the sparse tensor support, please"
    " submit a feature request to https://github.com/pytorch/pytorch/issues."
)
NORMED = (
    "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`."
)
UNREACHED = (
    "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require"
    " gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module."
    "register_full_backward_hook for more details."
)
DETECTED = "Error detected in {name}. Traceback of forward call that caused the error:\n"
BETA = "index_reduce() is in beta and the API may change at any time."
COPIED = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or"
    " sourceTensor.detach().clone().requires_grad_(True), rather than {name}(sourceTensor)."
)
TURNED = (
    "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an"
    " error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim -"
    " 1, -1, -1))` to reverse the dimensions of a tensor."
)
NO_LEAF = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be"
    " populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor,"
    " use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the"
    " leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information."
)
UNWRITABLE = (
    "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to"
    " this tensor will result in undefined behavior. You may want to copy the array to protect its data or make it"
    " writable before converting it to a tensor. This type of warning will be suppressed for the rest of this program."
)
DROPPED = (
    "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater"
    " than 1, but got dropout={0} and num_layers=1"
)
NESTED = "enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer{name}"
EMPTY = "Initializing zero-element tensors is a no-op"
OLDER = "size_average and reduce args will be deprecated, please use reduction='{name}' instead."


class Caution(NamedTuple):
    """A warning of a function: a parameter of the row that gives it, the condition, the text."""

    parameter: str
    condition: str
    said: str
    is_once: bool = False


CAUTIONS = {
    "grid_sample": Caution("align_corners", "align_corners is None", GRIDS),
    "affine_grid": Caution("align_corners", "align_corners is None", GRIDS),
    "kl_div": Caution("size_average", "reduction == 'mean' and size_average is None and reduce is None", MEANS),
    **{n: Caution("scale_factor", "True", UPSAMPLED) for n in ("upsample", "upsample_nearest", "upsample_bilinear")},
    **{n: Caution("unbiased", "_unfree(input, dim, unbiased, correction)", FREEDOM)
       for n in ("std", "var", "std_mean", "var_mean")},
    "cov": Caution("correction", "input.shape[-1:].count(1) and correction == 1", OBSERVATIONS),
    "corrcoef": Caution("input", "input.shape[-1:].count(1)", OBSERVATIONS),
    "range": Caution("start", "True", RANGE, True),
    "meshgrid": Caution("indexing", "indexing is None", MESHES, True),
    "cross": Caution("dim", "dim is None", CROSSED, True),
    "cholesky": Caution("upper", "True", CHOLESKY, True),
    "qr": Caution("some", "True", QR, True),
    "stft": Caution("window", "window is None", WINDOWLESS, True),
    "dropout2d": Caution("training", "input.ndim == 3", CHANNELS),
    "index_reduce": Caution("reduce", "True", BETA, True),
    "gumbel_softmax": Caution("eps", "eps != 1e-10", "`eps` parameter is deprecated and has no effect."),
}  # fmt: skip
"""Warnings of functions of the table."""
GIVEN: set[str] = set()
"""Warnings that a process gives once, and has given."""


def caution(said: str, name: str = "", once: bool = False, kind: type[Warning] = UserWarning) -> None:
    """Give a warning at the user's line; one that is given ``once`` in a process only the first time."""
    if once and said in GIVEN:
        return
    GIVEN.update([said] if once else [])
    frame = user_frame()
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    module = frame.f_globals.get("__name__", "__main__")
    text = said.format(name=name) if name else said
    warnings.warn_explicit(text, kind, frame.f_code.co_filename, frame.f_lineno, module, registry)


def unfree(x: Any, dim: Any, unbiased: Any, correction: Any) -> bool:
    """Whether a variance has no degrees of freedom."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    shape = x.shape
    axes = range(len(shape)) if dim is None or dim == () else (dim,) if isinstance(dim, int) else dim
    lost = correction if correction is not None else int(unbiased is not False)
    return bool(prod([shape[k] for k in axes]) <= lost)


def caution_lines(name: str, places: Any, names: list[str]) -> list[str]:
    """Line of a function of the table that gives its warning."""
    row = CAUTIONS.get(name)
    if row is None or row.parameter not in names or "linalg" in places or "mask" in names:
        return []
    return [f"if {row.condition}: _caution({row.said!r}, {name!r}, {row.is_once})"]
