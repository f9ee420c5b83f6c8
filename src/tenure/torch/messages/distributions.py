"""Messages about distributions and transforms."""

from __future__ import annotations

from tenure.torch.messages.forms import S, expanded, rows, sizes

ONE_OF = "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
MATRIX = "must be at least two-dimensional, with optional leading batch dimensions"
EXPONENTIAL = "The cross KL-divergence between different exponential families cannot"
EXPONENTIAL += f"{' ' * 29}be computed using Bregman divergences"
LACKED = """
sample rsample log_prob cdf icdf entropy enumerate_support mean variance sign log_abs_det_jacobian
"""
"""Methods that some distributions and transforms do not have."""
PUBLIC = ("Constraint", "MixtureSameFamilyConstraint")
"""Classes of constraints whose names in PyTorch begin with no underscore."""


def size(shape: str) -> str:
    """A shape as PyTorch prints it."""
    return f"torch.Size({sizes(shape)})"


def matrix(name: str) -> str:
    """A parameter that is no matrix."""
    return f"{name if name.endswith('matrix') else f'{name} matrix'} {MATRIX}"


DISTRIBUTIONS = rows(
    (r"\w+: give one of (?:probs and logits|logits and probs)$", "Value",
     "Either `probs` or `logits` must be specified, but not both."),
    (r"Wishart: give one of", "Assertion", ONE_OF),
    (r"MultivariateNormal: give one of", "Value", ONE_OF),
    (r"\w+: \w+ is a number or a tensor, not ", "Value", "Input arguments must all be instances of Number, torch.Tensor"
     " or objects implementing __torch_function__."),
    (r"\w+: loc of shape \[\] has less axes than one event", "Value", "loc must be at least one-dimensional."),
    (r"\w+: (cov_factor) of shape \S+ has less axes than one event", "Value", f"{{0}} {MATRIX}"),
    (r"\w+: (\w+) of shape \[\] has less axes than one event", "Value",
     "`{0}` parameter must be at least one-dimensional."),
    (r"Wishart: \w+ is a square matrix, not of shape \[\d*\]", "Value", f"scale_tril {MATRIX}"),
    (r"\w+: (\w+) is a square matrix, not of shape \[\d*\]", "Value", matrix),
    (r"\w+: a loc of (\d+) elements, and a cov_factor of", "Value",
     "cov_factor must be a batch of matrices with shape {0} x m"),
    (r"\w+: a loc of (\d+) elements, and a cov_diag of", "Value",
     "cov_diag must be a batch of vectors with shape torch.Size([{0}])"),
    (r"Independent: reinterpreted_batch_ndims is (-?\d+), and the batch has (\d+) axes", "Value",
     "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual {0} vs {1}"),
    (r"LKJCholesky: dim is (-?\d+), and at least 2", "Value",
     "Expected dim to be an integer greater than or equal to 2. Found dim={0}."),
    (r"MixtureSameFamily: mixture_distribution is a Categorical", "Value",
     " The Mixture distribution needs to be an instance of torch.distributions.Categorical"),
    (r"MixtureSameFamily: component_distribution is a Distribution", "Value",
     "The Component distribution needs to be an instance of torch.distributions.Distribution"),
    (r"MixtureSameFamily: (\d+) probabilities for components of batch shape \[(?:[\d, ]*, )?(\d+)\]", "Value",
     "`mixture_distribution component` ({0}) does not equal `component_distribution.batch_shape[-1]` ({1})"),
    (rf"MixtureSameFamily: batches of: shapes {S} and {S}", "Value", lambda a, b: f"`mixture_distribution.batch_shape`"
     f" ({size(a)}) is not compatible with `component_distribution.batch_shape`({size(b)})"),
    (r"Multinomial: total_count is an int, not a Tensor", "NotImplemented",
     "inhomogeneous total_count is not supported"),
    (r"TransformedDistribution: transforms: each is a Transform", "Value",
     "transforms must be a Transform or a list of Transforms"),
    (r"TransformedDistribution: transforms is a list of transforms, not (.*)", "Value",
     "transforms must be a Transform or list, but was {0}"),
    (rf"TransformedDistribution: base_distribution of shape {S}, and events of the transforms have (\d+)", "Value",
     lambda a, n: f"base_distribution needs to have shape with size at least {n}, but got {size(a)}."),
    (rf"\w+\.\w+: value of shape {S}, whose last axes are no event {S}", "Value", lambda a, b:
     f"The right-most size of value must match event_shape: {size(a)} vs {size(b)}."),
    (rf"\w+\.\w+: value and batch: shapes {S} and {S}", "Value", lambda a, b:
     f"Value is not broadcastable with batch_shape+event_shape: {size(a)} vs {size(b)}."),
    (rf"\w+\.expand: shapes {S} and {S}", None, expanded),
    (rf"\w+\.expand: the batch {S} does not broadcast to {S}", None, expanded),
    (r"\w+: cache_size is -?\d+, and can be 0 or 1", "Value", "cache_size must be 0 or 1"),
    (r"ReshapeTransform: in_shape \S+ and out_shape \S+ have different", "Value",
     "in_shape, out_shape have different numbers of elements"),
    (r"Binomial\.(\w+): the total_count is not the same", "NotImplemented",
     "Inhomogeneous total count not supported by `{0}`."),
    (rf"\w+ has no (?:{'|'.join(LACKED.split())})$", "NotImplemented", ""),
    (r"no KL divergence is registered of (\w+) from (\w+)", "NotImplemented",
     "No KL(p || q) is implemented for p type {0} and q type {1}"),
    (r"kl_divergence: two exponential families have no common", "NotImplemented", EXPONENTIAL),
    (r"\w+: (\d+) elements are no lower triangle of a square", "Value", "The size of last dimension is {0} which cannot"
     " be expressed as the lower triangular part of a square D x D matrix."),
    (r"\w+: \.domain\.event_dim and \.codomain\.event_dim differ", "Value",
     "Please use either .domain.event_dim or .codomain.event_dim"),
    (r"(\.is_discrete|\.event_dim) is not known without the parameters", "NotImplemented",
     "{0} cannot be determined statically"),
    (r"a dependent constraint is not checked", "Value", "Cannot determine validity of dependent constraint"),
    (r"there is no transform to (\w+) constraints", "NotImplemented", lambda name:
     f"Cannot transform {name if name in PUBLIC else f'_{name}'} constraints"),
)  # fmt: skip
"""Rows for errors of distributions."""
