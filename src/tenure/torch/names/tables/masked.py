"""Reductions of the elements that a mask selects."""

TABLE = """
[masked]
sum(input, dim=None, *, keepdim=False, dtype=None, mask=None) = total(hidden(input, mask, 0), dim, keepdim, dtype)
prod(input, dim=None, *, keepdim=False, dtype=None, mask=None) = product_over(hidden(input, mask, 1), dim, keepdim,
    dtype)
amax(input, dim=None, *, keepdim=False, dtype=None, mask=None) = amax(hidden(cast(input, dtype), mask, lowest),
    axes(dim), keepdim)
amin(input, dim=None, *, keepdim=False, dtype=None, mask=None) = amin(hidden(cast(input, dtype), mask, highest),
    axes(dim), keepdim)
argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None) = cast(argmax(hidden(cast(input, dtype), mask,
    lowest), dim, keepdim), dtype or input.dtype)
argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None) = cast(argmin(hidden(cast(input, dtype), mask,
    highest), dim, keepdim), dtype or input.dtype)
mean(input, dim=None, *, keepdim=False, dtype=None, mask=None) = masked_mean(cast(input, dtype), mask, dim, keepdim)
median(input, dim=-1, *, keepdim=False, dtype=None, mask=None) = nanmedian(hidden(cast(input, dtype), mask, nan_of),
    dim,
    keepdim)[0]
logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None) = cast(logsumexp(hidden(floating(cast(input,
    dtype)),
    mask, lowest), axes(dim), keepdim), dtype or input.dtype)
logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None) = logaddexp(hidden(cast(input, dtype),
    input_mask, lowest), hidden(cast(other, dtype), other_mask, lowest))
std var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None) = masked_spread(NAME,
    input, dim, unbiased, correction, keepdim, dtype, mask)
norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None) = masked_norm(cast(input, dtype), mask, ord,
    dim,
    keepdim)
normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None) = hidden(cast(input, dtype), mask, 0) / clamp_min(
    masked_norm(cast(input, dtype), mask, ord, dim, True), eps)
softmax log_softmax(input, dim, *, dtype=None, mask=None) = NAME(hidden(floating(cast(input, dtype)), mask, lowest),
    dim)
softmin(input, dim, *, dtype=None, mask=None) = softmax(-hidden(floating(cast(input, dtype)), mask, highest), dim)
cumsum(input, dim, *, dtype=None, mask=None) = scan(cumsum, hidden(input, mask, 0), dim, dtype)
cumprod(input, dim, *, dtype=None, mask=None) = scan(cumprod, hidden(input, mask, 1), dim, dtype)
"""
