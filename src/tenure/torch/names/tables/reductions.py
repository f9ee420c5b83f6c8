"""Reductions, scans, order and counting."""

TABLE = """
[torch Tensor out]
sum(input, dim=None, keepdim=False, *, dtype=None) = total(input, dim, keepdim, dtype)
nansum(input, dim=None, keepdim=False, *, dtype=None) = cast(nansum(summed(input, dtype), axes(dim), keepdim), dtype)
mean(input, dim=None, keepdim=False, *, dtype=None) = average(input, dim, keepdim, dtype)
nanmean(input, dim=None, keepdim=False, *, dtype=None) = nanmean(cast(input, dtype), axes(dim), keepdim)
prod(input, dim=None, keepdim=False, *, dtype=None) = product(input, dim, keepdim, dtype) ! f'ProdBackward{1 * (dim
    is not None)}'
all any(input, dim=None, keepdim=False) = quantified(NAME, input, dim, keepdim)
amax amin(input, dim=(), keepdim=False) = bounded(NAME, input, dim, keepdim)
argmax argmin(input, dim=None, keepdim=False) = placed(NAME, input, dim, keepdim)
max min(input) = extreme(NAME, input) ! f'{"NAME".title()}Backward1'
max(input, other: Tensor) = pair(maximum, input, other) ! 'MaximumBackward0'
min(input, other: Tensor) = pair(minimum, input, other) ! 'MinimumBackward0'
max min(input, dim: int, keepdim=False) -> values indices = extreme_along(NAME, input, dim, keepdim)
aminmax(input, *, dim=None, keepdim=False) -> min max = ends(input, dim, keepdim)
std var(input, dim=None, unbiased=None, keepdim=False, *, correction=None) = spread(NAME, input, dim, unbiased, keepdim,
    correction)
norm(input, p='fro', dim=None, keepdim=False, dtype=None) = length(input, p, dim, keepdim, dtype)
logsumexp(input, dim, keepdim=False) = logsumexp(floating(input), axes(dim), keepdim)
median nanmedian(input) = middle(NAME, input)
median nanmedian(input, dim: int, keepdim=False) -> values indices = NAME(input, dim, keepdim) !
    f'{"NAME".title()}Backward1'
mode(input, dim=-1, keepdim=False) -> values indices
kthvalue(input, k, dim=-1, keepdim=False) -> values indices
topk(input, k, dim=-1, largest=True, sorted=True) -> values indices
sort(input, dim: int=-1, descending=False) -> values indices = sort(input, dim=dim, descending=descending, stable=True)
sort(input, *, stable, dim=-1, descending=False) -> values indices = sort(input, dim=dim, descending=descending,
    stable=True)
argsort(input, dim=-1, descending=False, *, stable=True) = argsort(input, descending=descending, dim=dim)
msort(input)
quantile nanquantile(input, q, dim=None, keepdim=False, *, interpolation='linear')
cummax cummin(input, dim) -> values indices = NAME(input, dim=dim)
count_nonzero(input, dim=None) = count_nonzero(input, axes(dim))
dist(input, other, p=2)
diff(input, n=1, dim=-1, prepend=None, append=None) = diff(input, n, dim, prepend, append)
bincount(input, weights=None, minlength=0)
histc(input, bins=100, min=0, max=0) = in_equal_bins(input, bins, min, max)
histogram(input, bins, *, range=None, weight=None, density=False) -> hist bin_edges

[torch Tensor Tensor_ out]
renorm(input, p, dim, maxnorm)
logcumsumexp(input, dim) = logcumsumexp(input, dim=dim)
cumsum cumprod(input, dim, *, dtype=None) = scan(NAME, input, dim, dtype)

[torch]
std_mean var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None) = spread(NAME, input, dim,
    unbiased,
    keepdim, correction)
histogramdd(input, bins, *, range=None, weight=None, density=False) -> hist bin_edges
cumulative_trapezoid trapezoid trapz(y, x=None, *, dx=None, dim=-1) = NAME(y, x, dx=dx, dim=dim)
gradient(input, *, spacing=None, dim=None, edge_order=1) = tuple(gradient(input, spacing=1 if spacing is None else
    spacing, dim=dim,
    edge_order=edge_order))

[torch out]
isin(elements, test_elements, *, assume_unique=False, invert=False)
searchsorted(sorted_sequence, input: operand, *, out_int32=False, right=False, side=None, sorter=None) =
    searchsorted(sorted_sequence, input, side=side, right=right, sorter=sorter, out_int32=out_int32)
bucketize(input: operand, boundaries, *, out_int32=False, right=False)

[torch]
unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None) =
    plain_pair(unique(input, sorted, return_inverse, return_counts, dim))
unique_consecutive(input, return_inverse=False, return_counts=False, dim=None) =
    plain_pair(unique_consecutive(input, return_inverse, return_counts, dim))

[Tensor]
unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None) =
    plain_pair(unique(input, sorted, return_inverse, return_counts, dim))
unique_consecutive(input, return_inverse=False, return_counts=False, dim=None) =
    plain_pair(unique_consecutive(input, return_inverse, return_counts, dim))

[torch Tensor out]
softmax log_softmax(input, dim, dtype=None) = NAME(cast(input, dtype), dim)

[torch Tensor]
corrcoef(input)
cov(input, *, correction=1, fweights=None, aweights=None)
"""
