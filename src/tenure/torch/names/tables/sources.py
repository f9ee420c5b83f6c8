"""Factories, random numbers, casts and questions about tensors."""

TABLE = """
[torch out]
zeros ones(*size, **options) = NAME(size, dtype=dtype or default())
empty(*size, **like) = zeros(size, dtype=dtype or default())
empty_strided(size, stride, **options) = zeros(size, dtype=dtype or default())
empty_permuted(size, physical_layout, **options) = zeros(size, dtype=dtype or default())
full(size, fill_value, **options) = constant(size, fill_value, dtype)
eye(n, m=None, **options) = eye(n, m, dtype=dtype or default())
arange(start, end=None, step=1, **options) = counted(start, end, step, dtype)
range(start, end, step=1, **options) = counted_to(start, end, step, dtype)
linspace(start, end, steps, **options) = spaced(start, end, steps, dtype)
logspace(start, end, steps, base=10.0, **options) = spaced_by(start, end, steps, base, dtype)
rand(*size, generator=None, **like) = rand(size, dtype=dtype or default(), generator=generator)
randn(*size, generator=None, **like) = randn(size, dtype=dtype or default(), generator=generator)
randperm(n, *, generator=None, **options) = randperm(n, dtype=dtype, generator=generator)

[torch]
randint(low, high=None, size=None, *, generator=None, **options) = whole(low, high, size, dtype, generator)
randint_like(input, low=0, high=None, *, generator=None, **like) = randint_like(input, low, high, dtype=dtype,
    generator=generator)
[torch elementwise]
zeros_like ones_like(input, **like) = NAME(input, dtype=dtype)
empty_like(input, **like) = zeros_like(input, dtype=dtype)
full_like(input, fill_value, **like) = full_like(input, held(fill_value, dtype or input.dtype), dtype=dtype)
rand_like randn_like(input, *, generator=None, **like) = NAME(input, dtype=dtype, generator=generator)

[torch]
scalar_tensor(s, **options) = scalar_tensor(s, dtype=dtype or default())
tril_indices triu_indices(row, col, offset=0, **options) = NAME(row, col, offset, dtype=dtype)
bartlett_window blackman_window hann_window(window_length, periodic=True, **options) = NAME(window_length, periodic,
    dtype=dtype or default())
hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, **options) = hamming_window(window_length, periodic,
    alpha, beta, dtype=dtype or default())
kaiser_window(window_length, periodic=True, beta=12.0, **options) = kaiser_window(window_length, periodic, beta,
    dtype=dtype or default())

[torch out]
normal(mean=0.0, std=1.0, size=None, *, generator=None, **options) = normal(mean, std, size, dtype=dtype or
    (None if size is None else default()), generator=generator)
binomial(count, prob, generator=None) = binomial(count, prob, generator=generator)
poisson(input, generator=None) = poisson(input, generator=generator)

[torch Tensor out flat]
bernoulli(input, p=None, *, generator=None)

[torch Tensor out]
multinomial(input, num_samples, replacement=False, *, generator=None)

[Tensor]
new_zeros(input, *size, **options) = zeros(size, dtype=dtype or input.dtype)
new_ones(input, *size, **options) = ones(size, dtype=dtype or input.dtype)
new_empty(input, *size, **options) = zeros(size, dtype=dtype or input.dtype)
new_empty_strided(input, size, stride, **options) = zeros(size, dtype=dtype or input.dtype)
new_full(input, size, fill_value, **options) = full(size, held(fill_value, dtype or input.dtype),
    dtype=dtype or input.dtype)
sum_to_size(input, *size) = summed_to(input, size)
item(input) = input.item()
tolist(input) = input.tolist()

[torch Tensor]
is_floating_point is_complex is_signed is_nonzero(input)
numel(input) = input.numel()
is_same_size(input, other) = input.shape == other.shape
is_conj is_neg is_distributed(input) = False

[torch Tensor face]
is_inference(input) = is_inference(input)

[torch]
is_tensor(obj) = is_face(obj)
broadcast_shapes(*shapes) = joint_shape(shapes)
"""
