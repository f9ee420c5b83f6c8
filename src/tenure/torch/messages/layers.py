"""Messages about layers, losses, optimizers and loaders."""

from __future__ import annotations

import re

from tenure.torch.messages.forms import S, rows, sizes


def hidden(given: str, wanted: str) -> str:
    """A state of another shape: a cell's is of another batch, a layer's has its axes wrong."""
    one, other = sizes(given), sizes(wanted)
    if len(other) == 2 and len(one) == 2 and one[1] == other[1]:
        return f"Input batch size {other[0]} doesn't match hidden0 batch size {one[0]}"
    return f"Expected hidden size ({', '.join(map(str, other))}), got {one}"


def cell_input(given: str, wanted: str) -> str:
    """An input of a cell with other features."""
    return f"input has inconsistent input_size: got {sizes(given)[-1]} expected {wanted}"


def padded(width: str, axis: str, n: str) -> str:
    """A reflection of more elements than there are."""
    return (
        "Argument #4: Padding size should be less than the corresponding input dimension, but got:"
        f" padding ({width}, {width}) at dimension {axis} of input of size {n}"
    )


def examples(said: str) -> str:
    """Numbers of examples that differ."""
    found = [int(n) for n in re.findall(r"(\d+) .axis", said)]
    return (
        f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {found} for the mapped"
        " dimension"
    )


FAN = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
KIND = {"'": "str", "N": "NoneType", "[": "list", "(": "tuple", "{": "dict", "T": "bool", "F": "bool", "a": "Tensor"}
"""Types of values, by the first letter of how they are shown."""


def of_kind(shown: str) -> str:
    """Type of a value that is shown in a message."""
    return KIND.get(shown[:1], "float" if "." in shown or "e" in shown else "int")


LAYERS = rows(
    (r"(?:(\w+): )?(\w+) is True or False, not (.*)", "Type",
     lambda name, of, x: f"{name or 'forward'}(): argument '{of}' must be bool, not {of_kind(x)}"),
    (r"(?:(\w+): )?(?:argument )?'(\w+)': .* of type (\w+) is no number", "Type",
     "{0}(): argument '{1}' must be Tensor, not {2}"),
    (r"(?:(\w+): )?(\w+): .* of type (\w+) is no number", "Type", "{0}(): argument '{1}' must be Tensor, not {2}"),
    (r"(\w+): (\w+): None is no number", "Type", "{0}(): argument '{1}' must be Tensor, not NoneType"),
    (r"axis is an int, not (.*)", "Type", lambda x: f"argument 'dim' must be int, not {of_kind(x)}"),
    (r"Embedding: padding_idx -?\d+ is not within", "Assertion", "Padding_idx must be within num_embeddings"),
    (rf"a state of shape {S}, where {S} is expected", None, hidden),
    (rf"an input of shape {S}, where 1 or 2 axes are expected, the last of size (\d+)", None, cell_input),
    (rf"grid_sample: an input of shape {S} and a grid of {S}, where", None, lambda x, grid: "grid_sampler(): expected"
     f" grid to have size {len(sizes(x)) - 2} in last dimension, but got grid with sizes [{grid}]"
     if len(sizes(x)) == len(sizes(grid)) and sizes(x)[0] == sizes(grid)[0] else "grid_sampler(): expected grid and"
     f" input to have same batch size, but got input with sizes [{x}] and grid with sizes [{grid}]"),
    (r"pad: (-?\d+) elements around axis (\d+) of size (\d+) in mode 'reflect'", None, padded),
    (r"binary_cross_entropy: (input|target) is \S+", None, "all elements of {0} should be between 0 and 1"),
    (r"smooth_l1_loss: beta is not negative", None, "smooth_l1_loss does not support negative values for beta."),
    (r"ctc_loss: \d+ target_lengths for \d+ sequences", None, "target_lengths must be of size batch_size"),
    (r"ctc_loss: \d+ input_lengths for \d+ sequences", None, "input_lengths must be of size batch_size"),
    (r"max_pool1d: a window of \d+ does not fit", None, "max_pool1d() Invalid computed output size: 0"),
    (r"fan in and fan out need two axes", "Value", FAN),
    (r"orthogonal_: a place of shape \S+ has fewer than two axes", "Value",
     "Only tensors with 2 or more dimensions are supported"),
    (rf"conv1d: an input of shape {S} and weights of shape", None,
     "Expected 2D (unbatched) or 3D (batched) input to conv1d, but got input of size: [{0}]"),
    (rf"conv3d: an input of shape {S} and weights of shape", None,
     "Expected 4D (unbatched) or 5D (batched) input to conv3d, but got input of size: [{0}]"),
    (r"\w+: padding='same' goes with stride=1", "Value", "padding='same' is not supported for strided convolutions"),
    (r"\w+: padding_mode is one of .*, not '(.*)'", "Value", "padding_mode must be one of {{'circular', 'replicate',"
     " 'zeros', 'reflect'}}, but got padding_mode='{0}'"),
    (r"interpolate: size (.*) is not for (\d+) axes", "Value", "Input and output must have the same number of spatial"
     " dimensions, but got input with {1} of them and output size of {0}"),
    (r"interpolate: scale_factor (.*) is not for (\d+) axes", "Value", "Input and scale_factor must have the same"
     " number of spatial dimensions, but got input with {1} of them and scale_factor of shape {0}"),
    (r"[A-Z]\w+: \w+ is an int, not (.*)", "Type",
     "empty(): argument 'size' must be tuple of ints, but found {0}"),
    (r"interpolate: give one of size and scale_factor", "Value", "only one of size or scale_factor should be defined"),
    (r"pixel_shuffle: (\d+) channels are no multiple of upscale_factor² = (\d+)", None, "pixel_shuffle expects its"
     " input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={0} is not"
     " divisible by {1}"),
    (r"attention: query has shape \[[\d, ]*?(\d+)\], where the last size is (\d+)", "Assertion",
     "was expecting embedding dimension of {1}, but got {0}"),
    (r"\w+: num_layers is at least 1", "Value", "num_layers must be greater than zero"),
    (r"nonlinearity is 'tanh' or 'relu', not '(.*)'", "Value",
     "Unknown nonlinearity '{0}'. Select from 'tanh' or 'relu'."),
    (r"input of shape \[(\d+)\] goes with class indices of shape \[\], not \[(\d+)\]", "Value",
     "For 1D input, 1D target must have size 1, but got target size: {1}"),
    (rf"(adaptive_(?:avg|max)_pool2d): an input of shape {S}", None,
     "{0}(): Expected 3D or 4D tensor, but got [{1}]"),
    (rf"(?:max|avg)_pool2d: an input of shape {S}", None,
     "non-empty 3D or 4D (batch mode) tensor expected for input"),
    (rf"gradient has shape {S}, the tensor {S}", None, "Mismatch in shape: grad_output[0] has a shape of"
     " torch.Size([{0}]) and output[0] has a shape of torch.Size([{1}])."),
    (r"the numbers of examples differ: (.*)", "Value", examples),
    (r"(?:calculate_gain: )?unsupported nonlinearity '(.*?)'", "Value", "Unsupported nonlinearity {0}"),
    (r"\w+: invalid betas: \((.*), (.*)\)", "Value", lambda a, b:
     f"Invalid beta parameter at index 0: {a}" if not 0 <= float(a) < 1 else
     f"Invalid beta parameter at index 1: {b}"),
    (r"\w+: (Nesterov momentum requires .*)", "Value", "{0}"),
    (r"\w+: invalid (alpha|rho): (.*)", "Value", "Invalid {0} value: {1}"),
    (r"DataLoader: prefetch_factor is for workers", "Value", "prefetch_factor option could only be specified in"
     " multiprocessing.let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."),
    (r"DataLoader: prefetch_factor lies in .*, not -", "Value", "prefetch_factor option should be non-negative"),
    (r"DataLoader: persistent_workers is for workers", "Value", "persistent_workers option needs num_workers > 0"),
    (r"DataLoader: timeout is a number of seconds, not -", "Value", "timeout option should be non-negative"),
)  # fmt: skip
"""Rows that are asked first: one of them is narrower than a row of the tensors'."""
