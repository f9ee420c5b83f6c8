"""Messages about tensors and functions of them."""

from __future__ import annotations

from tenure.torch.messages.forms import (
    INPUTS,
    MODES,
    SECOND_TIME,
    S,
    axis_range,
    broadcast,
    by,
    einsum,
    expanded,
    fits,
    interpolated,
    linear,
    products,
    rows,
    sizes,
    spelled,
    written,
)

TENSORS = rows(
    (rf"(?:matmul|.*__\w*matmul__): {S} @ {S}:", None, products),
    (rf"m[mv] \(.*?\): shapes {S} and {S}:", None, products),
    (r"bmm \(.*?\): a shape of 3 axes \(bij\) is wanted", None, "batch1 must be a 3D tensor"),
    (r"bmm \(.*?\): a shape of 3 axes", None, "batch2 must be a 3D tensor"),
    (rf"bmm \(.*?\): shapes {S} and {S}:", None, products),
    (rf"dot \(.*?\): shapes {S} and {S}:", None, lambda a, b: f"inconsistent tensor size, expected tensor [{a}] and src"
     f" [{b}] to have the same number of elements, but got {a} and {b} elements respectively"),
    (r"dot \(.*?\): a shape of 1 axes \(i\) is wanted", None,
     "1D tensors expected, but got tensors of other dimensions"),
    (r"einsum \(([^()]*)\): shapes .*: (\w) is (\d+) and (\d+)", None, einsum),
    (rf"a value of shape {S} is written to a selection of shape {S}", None, lambda value, part: expanded(value, part)),
    (r"a mask of dtype (\w+)", None, lambda of:
     f"masked_fill_ only supports boolean masks, but got mask with dtype {of.lower().replace('long', 'long int')}"),
    (r"multinomial: a row that is negative, not finite, or 0 everywhere", None,
     "probability tensor contains either `inf`, `nan` or element < 0"),
    (r"randint: \[(-?\d+), (-?\d+)\) is empty", None, lambda low, high:
     f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"),
    (r"the matrix is not positive definite: the leading minor of order (\d+)", None, "linalg.cholesky: The"
     " factorization could not be completed because the input is not positive-definite (the leading minor of order {0}"
     " is not positive-definite)."),
    (r"the matrix is singular: pivot (\d+) is 0", None, "linalg.inv: The diagonal element {0} is zero, the inversion"
     " could not be completed because the input matrix is singular."),
    (rf"\w+: mode '([\w-]+)' is for ([\d or]+) axes, and the input has shape {S}", "NotImplemented", interpolated),
    (r"interpolate: mode is one of \[.*\], not '(.*)'$", "NotImplemented",
     f"{INPUTS} for the modes: {MODES} (got {{0}})"),
    (r"\w+: (params argument given .*)", None, "{0}"),
    (r"((?:\w+: )?the number \S+ does not fit in u?int\d+)$", "Runtime", "{0}"),
    (r"(complex numbers do not go into \w+)$", "Runtime", "{0}"),
    (rf"linear: input of shape {S} and weight of shape {S} differ", None, linear),
    (rf"[\w.]+: shapes {S} and {S} do not broadcast together", None, broadcast),
    (rf"\w+: input of shape {S}, target of shape {S}", None, broadcast),
    (rf"shape {S} does not broadcast to {S}", None, written),
    (r"index (-?\d+) is out of range for axis (\d+) of size (\d+)", None,
     "index {0} is out of bounds for dimension {1} with size {2}"),
    (r"\d+ indices for a tensor of (\d+) dimensions", "Index", "too many indices for tensor of dimension {0}"),
    (r"axis (-?\d+) is out of range for a tensor of (\d+) dimensions", "Index", axis_range),
    (rf"stack: shapes {S} and {S} differ", None,
     "stack expects each tensor to be equal size, but got [{0}] at entry 0 and [{1}] at entry 1"),
    (r"concat: there is no tensor to join", "Value", "torch.cat(): expected a non-empty list of Tensors"),
    (r"stack: there is no tensor to join", None, "stack expects a non-empty TensorList"),
    (r"input of shape \[(\d+)[\d, ]*\] goes with class indices of shape \[\d+[\d, ]*\], not \[(\d+)[\d, ]*\]", "Value",
     "Expected input batch_size ({0}) to match target batch_size ({1})."),
    (r"class indices of dtype (\w+)", None, "expected target dtype to be Long or Byte, but got {0}"),
    (r"embedding: indices of dtype (\w+)", None, lambda of: "Expected tensor for argument #1 'indices' to have one of"
     f" the following scalar types: Long, Int; but got torch.{spelled(of)}Tensor instead (while checking arguments for"
     " embedding)"),
    (r"(gcd|lcm) is defined for integers, not (\w+)", "NotImplemented",
     lambda name, of: f'"{name}_cpu" not implemented for \'{spelled(of)}\''),
    (rf"binary_cross_entropy: input of shape {S}, target of {S}", "Value",
     "Using a target size (torch.Size([{1}])) that is different to the input size (torch.Size([{0}])) is deprecated."
     " Please ensure they have the same size."),
    (rf"conv\dd: the input of shape {S} has (\d+) channels, and weights of shape {S} with groups=(\d+) take (\d+)",
     None,
     "Given groups={3}, weight of size [{2}], expected input[{0}] to have {4} channels, but got {1} channels instead"),
    (rf"conv\dd: a window of {S} does not fit into {S}, the input", None, lambda k, n: "Calculated padded input size"
     f" per channel: ({by(n)}). Kernel size: ({by(k)}). Kernel size can't be greater than actual input size"),
    (rf"conv2d: an input of shape {S} and weights of shape", None,
     "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [{0}]"),
    (rf"batch_norm in training takes more than one value a channel, not {S}", "Value",
     "Expected more than 1 value per channel when training, got input size torch.Size([{0}])"),
    (rf"BatchNorm1d\(.*\) of an input of shape {S}", "Value",
     lambda shape: f"expected 2D or 3D input (got {len(sizes(shape))}D input)"),
    (rf"(?:BatchNorm|InstanceNorm)2d\(.*\) of an input of shape {S}", "Value",
     lambda shape: f"expected 4D input (got {len(sizes(shape))}D input)"),
    (rf"(?:BatchNorm|InstanceNorm)3d\(.*\) of an input of shape {S}", "Value",
     lambda shape: f"expected 5D input (got {len(sizes(shape))}D input)"),
    (rf"layer_norm over {S} of an input of shape {S}", None, lambda shape, given:
     f"Given normalized_shape=[{shape}], expected input with shape [*, {shape}], but got input of size[{given}]"),
    (r"an input of shape \[[\d, ]*?(\d+)\], where 2 or 3 axes are expected, the last of size (\d+)", None,
     "input.size(-1) must be equal to input_size. Expected {1}, got {0}"),
    (r"this backward\(\) walks a graph that an earlier backward\(\) has consumed", None, SECOND_TIME),
    (r"\w+: (optimizer got an empty parameter list|can't optimize a non-leaf Tensor)", None, "{0}"),
    (r"\w+: invalid lr: (.*)", None, "Invalid learning rate: {0}"),
    (r"\w+: invalid momentum: (.*)", None, "Invalid momentum value: {0}"),
    (r"\w+: invalid weight_decay: (.*)", None, "Invalid weight_decay value: {0}"),
    (r"\w+: invalid eps: (.*)", None, "Invalid epsilon value: {0}"),
    (r"sizes are not negative: ", None, "zeros: Dimension size must be non-negative."),
    (r"topk: \d+ elements of the \d+ along axis \d+", "Runtime", "selected index k out of range"),
    (r"gather: indices of \d+ dimensions for a tensor of \d+", None,
     "Index tensor must have the same number of dimensions as input tensor"),
    (r"(\w+) over an axis of size 0 has no value", "Index",
     "{0}(): Expected reduction dim to be specified for input.numel() == 0."),
    (r"(?:\w+: )?dropout probability has to be between 0 and 1, but got (.*)", "Value",
     "dropout probability has to be between 0 and 1, but got {0}"),
    (r"DataLoader: a batch has one sample or more, not (.*)", "Value",
     "batch_size should be a positive integer value, but got batch_size={0}"),
    (r"DataLoader: shuffle draws an order, and a sampler", "Value",
     "sampler option is mutually exclusive with shuffle"),
    (r"DataLoader: batch_sampler stands for", "Value",
     "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"),
    (r"random_split: lengths .* do not sum to the .* samples", "Value",
     "Sum of input lengths does not equal the length of the input dataset!"),
    (r"\w+: embed_dim (\d+) is not a multiple of num_heads (\d+)", "Assertion",
     "embed_dim must be divisible by num_heads"),
    (r"\^ is defined for integers and bool, not (\w+)", "NotImplemented",
     "\"bitwise_xor_cpu\" not implemented for '{0}'"),
    (r"& is defined for integers and bool, not (\w+)", "NotImplemented",
     "\"bitwise_and_cpu\" not implemented for '{0}'"),
    (r"\| is defined for integers and bool, not (\w+)", "NotImplemented",
     "\"bitwise_or_cpu\" not implemented for '{0}'"),
    (r"~ is defined for integers and bool", "Type",
     "~ (operator.invert) is only implemented on integer and Boolean-type tensors"),
    (r"a whole number is divided by 0", None, "ZeroDivisionError"),
    (r"multinomial: (\d+) indices of (\d+), not all of which are likely", None, lambda n, k:
     "cannot sample n_sample > prob_dist.size(-1) samples without replacement" if int(n) > int(k) else
     "invalid multinomial distribution (sum of probabilities <= 0)"),
    (r"bincount: a number is negative", None, "bincount only supports 1-d non-negative integral inputs."),
    (r"<< is defined for integers, not (\w+)", "NotImplemented", "\"lshift_cpu\" not implemented for '{0}'"),
    (r">> is defined for integers, not (\w+)", "NotImplemented", "\"rshift_cpu\" not implemented for '{0}'"),
    (r"where expected condition to be a boolean tensor, but got a tensor with dtype (\w+)", None,
     "where expected condition to be a boolean tensor, but got a tensor with dtype {0}"),
    (r"inv: matrices of shape \[[\d, ]*?(\d+), (\d+)\], where", None,
     "linalg.inv: A must be batches of square matrices, but they are {0} by {1} matrices"),
    (r"([\w.]+: \w+ is to be .*)", "Value", "{0}"),
    (r"this nested sequence is ragged", "Value", "expected sequences of one length (a nested sequence is ragged)"),
    (r"mm \(ij,jk->ik\): a shape of 2 axes \(jk\) is wanted", None, "mat2 must be a matrix"),
    (r"mm \(ij,jk->ik\): a shape of 2 axes", None, "self must be a matrix"),
    (rf"grad(?:_and_value)?: the function returned shape {S}, not a scalar", None, lambda shape:
     "grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with"
     f" {len(sizes(shape))} dims. Maybe you wanted to use"
     " the vjp or jacrev APIs instead?"),
    (r"(log_)?softmax of (\w+)", "NotImplemented", lambda log, of:
     f"\"{log or ''}softmax_lastdim_kernel_impl\" not implemented for '{of}'"),
    (r"GroupNorm of (\d+) channels in (\d+) groups", "Value",
     "num_channels ({0}) must be divisible by num_groups ({1})"),
    (r"Conv\w+: (\d+) and \d+ channels are no multiples of (\d+) groups", "Value", lambda n, groups:
     f"{'out' if int(n) % int(groups) == 0 else 'in'}_channels must be divisible by groups"),
    (r"multi_margin_loss: weight of shape (?!\[\d+\])", "Value", "weight must be one-dimensional"),
    (r"\w+: reduction is 'mean', 'sum' or 'none', not '(.*)'", "Value", "{0} is not a valid value for reduction"),
    (rf"cdist: shapes {S} and {S}:", None, lambda a, b: "X1 and X2 must have the same number of columns."
     f" X1: {sizes(a)[-1]} X2: {sizes(b)[-1]}"),
    (r"(qr|svd|eigh?|eigvalsh?|svdvals|lu|slogdet|det|inv|cholesky): a tensor of shape \S*, where a matrix is wanted",
     None, "linalg.{0}: The input tensor A must have at least 2 dimensions."),
    (r"einsum: '.*': '(\w)' of the result is a label of the operands, once", None,
     "einsum(): output subscript {0} does not appear in the equation for any input operand"),
    (r"roll: (\d+) shifts for (\d+) axes", None, "shifts and dimensions must align. shifts: {0}, dims:{1}"),
    (r"DataLoader: an IterableDataset has an order of its own", "Value",
     "DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle=True"),
    (r"DataLoader: num_workers lies in .* and -\d+ does not", "Value",
     "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."),
    (r"(std|var|std_mean|var_mean) and its kin only support floating point and complex dtypes", None,
     "std and var only support floating point and complex dtypes"),
    (r"gather: indices of (?!int)\w+", None, "gather(): Expected dtype int32/int64 for index"),
    (r"(tril|triu): a tensor of shape \S*, where a matrix is wanted", None,
     "{0}: input tensor must have at least 2 dimensions"),
    (r"bincount of (float|double)\w*", "NotImplemented", lambda of:
     f"\"bincount_cpu\" not implemented for '{of.title()}'"),
    (r"histc of int64", "NotImplemented", "\"histogram_cpu\" not implemented for 'Long'"),
    (rf"diag: a tensor of shape {S}, where a list or a matrix", None, lambda shape:
     f"diag(): Supports 1D or 2D tensors. Got {len(sizes(shape))}D"),
    (r"normal: std is (-.*)", None, "normal expects std >= 0.0, but found std {0}"),
    (rf"solve: matrices of shape {S} and a right-hand side of (\d+) elements do not agree", None, lambda a, n:
     "linalg.solve: Incompatible shapes of A and B for the equation AX = B"
     f" ({sizes(a)[-2]}x{sizes(a)[-1]} and {n}x1)"),
    (r"pack_padded_sequence: lengths .* do not fall", None, "`lengths` array must be sorted in decreasing order when"
     " `enforce_sorted` is True. You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to"
     " sidestep this requirement if you do not need ONNX exportability."),
    (r"one_hot of \w+", None, "one_hot is only applicable to index tensor of type LongTensor."),
    (rf"where: shapes {S} and {S} and {S} do not broadcast together", None, lambda c, a, b:
     broadcast(a, b) if not fits(a, b) else broadcast(c, b if not fits(c, b) else a)),
    (r"quantile: q lies between 0 and 1, and (.*) does not", None,
     "quantile() q must be in the range [0, 1] but got {0}"),
    (r"split expects split_size be non-negative, but got split_size=0", None,
     "split_size can only be 0 if dimension size is 0"),
    (r"bernoulli: p is (.*)", None, "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error"
     " message be improved?  If so, please report an enhancement request to PyTorch.)"),
    (rf"searchsorted: a sorted tensor of shape {S} for values of shape {S}", None, "torch.searchsorted(): boundaries"
     " tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match,"
     " but we got boundaries tensor [{0}] and input value tensor [{1}]"),
    (r"histc of (-?\d+) bins", None, "torch.histogram(): bins must be > 0, but got {0} for dimension 0"),
    (rf"tensordot: shapes {S} and {S}: axes (\d+) and (\d+) have sizes (\d+) and (\d+)", None, lambda a, b, i, j, m, n:
     f"contracted dimensions need to match, but first has size {m} in dim {i} and second has size {n} in dim {j}"),
    (r"repeat_interleave: repeats of shape \[(\d+)\] for (\d+) parts", None, "repeats must have the same size as input"
     " along dim, but got repeats.size(0) = {0} and input.size(0) = {1}"),
    (r"masked_scatter: \d+ elements for the \d+ that the mask selects", None,
     "Number of elements of source < number of ones in mask"),
)  # fmt: skip
