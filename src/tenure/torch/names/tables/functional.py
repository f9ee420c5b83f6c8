"""Functions of ``torch.nn.functional``; some are in ``torch`` too."""

TABLE = """
[F torch]
adaptive_avg_pool1d(input, output_size)
avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True) =
    as_before(input, avg_pool1d(with_elements('avg_pool1d', input), kernel_size, every(stride), padding, ceil_mode,
    count_include_pad))
bilinear(input1, input2, weight, bias=None)
cosine_similarity(x1, x2, dim=1, eps=1e-08)
channel_shuffle(input, groups)
pixel_shuffle(input, upscale_factor)
conv1d conv2d conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
conv_transpose1d conv_transpose2d conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0,
    groups=1, dilation=1)
group_norm(input, num_groups, weight=None, bias=None, eps=1e-05)
layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05)
rms_norm(input, normalized_shape, weight=None, eps=None)
pairwise_distance(x1, x2, p=2.0, eps=1e-06, keepdim=False)
pdist(input, p=2.0)
pixel_unshuffle(input, downscale_factor)
celu(input, alpha=1.0, inplace=False)
selu(input, inplace=False)
rrelu(input, lower=0.125, upper=0.3333333333333333, training=False, inplace=False)
threshold(input, threshold, value, inplace=False) = as_before(input, threshold_of(input, threshold, value))
max_pool1d max_pool2d max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
    return_indices=False) = NAME(with_elements('NAME', input), kernel_size, every(stride), padding, dilation, ceil_mode,
    return_indices)

[F torch Tensor out]
hardshrink(input, lambd=0.5)

[F torch Tensor]
prelu(input, weight)

[F]
adaptive_avg_pool2d(input, output_size)
adaptive_avg_pool3d(input, output_size) = NAME(with_elements('NAME', input), output_size)
adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d(input, output_size, return_indices=False) =
    NAME(with_elements('NAME', input), output_size, return_indices)
affine_grid(theta, size, align_corners=None)
batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05)

[F out]
avg_pool2d avg_pool3d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
    divisor_override=None) = as_before(input, NAME(with_elements('NAME', input), kernel_size, every(stride),
    padding, ceil_mode, count_include_pad, divisor_override))
gelu(input, approximate='none')
linear(input, weight, bias=None)
logsigmoid(input)
normalize(input, p=2.0, dim=1, eps=1e-12)
softplus(input, beta=1.0, threshold=20.0)
softshrink(input, lambd=0.5)

[F elementwise]
dropout(input, p=0.5, training=True, inplace=False) = dropout(input, p) if chance(p) and training else input
dropout1d dropout2d dropout3d(input, p=0.5, training=True, inplace=False) = NAME(input, p)
    if some_axes('NAME', input) and chance(p) and training else input

[F]
alpha_dropout feature_alpha_dropout(input, p=0.5, training=False, inplace=False) = NAME(input, p, True)
    if chance(p) and training else input
embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False)
embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode='mean',
    sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None)
fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1)
unfold(input, kernel_size, dilation=1, padding=0, stride=1)
fractional_max_pool2d fractional_max_pool3d(input, kernel_size, output_size=None, output_ratio=None,
    return_indices=False, _random_samples=None)
elu(input, alpha=1.0, inplace=False)
glu(input, dim=-1)
grid_sample(input, grid, mode='bilinear', padding_mode='zeros', align_corners=None)
gumbel_softmax(logits, tau: operand=1, hard=False, eps=1e-10, dim=-1)
hardsigmoid hardswish mish relu silu(input, inplace=False)
relu6(input, inplace=False) = cut(input, 0, 6)
hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False) = cut(input, min_val, max_val)
leaky_relu(input, negative_slope=0.01, inplace=False)
sigmoid softsign tanh tanhshrink(input)
softmax log_softmax(input, dim=None, _stacklevel=3, dtype=None) = NAME(cast(input, dtype), implied(input, dim, "NAME"))
softmin(input, dim=None, _stacklevel=3, dtype=None) = softmax(cast(opposite(input), dtype),
    implied(input, dim, "softmin"))
instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1,
    eps=1e-05)
interpolate(input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None,
    antialias=False)
upsample(input, size=None, scale_factor=None, mode='nearest', align_corners=None) = interpolate(input, size,
    scale_factor,
    mode, align_corners)
upsample_nearest(input, size=None, scale_factor=None) = interpolate(input, size, scale_factor, 'nearest')
upsample_bilinear(input, size=None, scale_factor=None) = interpolate(input, size, scale_factor, 'bilinear', True)
local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0) = local_response_norm(only_floats(input), size, alpha,
    beta, k)
lp_pool1d lp_pool2d lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False) =
    NAME(with_elements('NAME', input), norm_type, kernel_size, every(stride), ceil_mode)
max_unpool1d max_unpool2d max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None) =
    placed_back(NAME, input, indices, kernel_size, stride, padding, output_size)
one_hot(tensor, num_classes=-1)
pad(input, pad, mode='constant', value=None) = padded(input, pad, mode, value)
scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
    enable_gqa=False) = scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale,
    enable_gqa=enable_gqa)
multi_head_attention_forward(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k,
    bias_v, add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None,
    need_weights=True, attn_mask=None, use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None,
    v_proj_weight=None, static_k=None, static_v=None, average_attn_weights=True, is_causal=False)
binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction='mean') =
    binary_cross_entropy(input, target, weight, reduction=reduction)
binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction='mean',
    pos_weight=None) = binary_cross_entropy_with_logits(input, target, weight, reduction=reduction,
    pos_weight=pos_weight)
cosine_embedding_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction='mean') =
    cosine_embedding_loss(input1, input2, target, margin, reduction=reduction)
cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean',
    label_smoothing=0.0) = cross_entropy(input, target, weight, ignore_index=ignore_index, reduction=reduction,
    label_smoothing=label_smoothing)
nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean') =
    nll_loss(input, target, weight, ignore_index=ignore_index, reduction=reduction)
ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction='mean', zero_infinity=False) =
    ctc_loss(log_normalized(log_probs), labels(targets), input_lengths, target_lengths, blank, reduction, zero_infinity)
gaussian_nll_loss(input, target, var, full=False, eps=1e-06, reduction='mean')
hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction='mean') =
    hinge_embedding_loss(input, target, margin, reduction=reduction)
huber_loss(input, target, reduction='mean', delta=1.0, weight=None) = huber_loss(*alike(input, target),
    reduction=reduction, delta=delta, weight=weight)
kl_div(input, target, size_average=None, reduce=None, reduction='mean', log_target=False) =
    kl_div(input, target, reduction=reduction, log_target=log_target)
l1_loss mse_loss(input, target, size_average=None, reduce=None, reduction='mean', weight=None) =
    NAME(*alike(input, target), reduction=reduction, weight=weight)
linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction='mean',
    ignore_index=None, label_smoothing=0.0, options=None) = linear_cross_entropy(input, linear_weight, target,
    linear_bias=linear_bias, weight=weight, reduction=reduction, ignore_index=ignore_index,
    label_smoothing=label_smoothing)
margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction='mean') =
    margin_ranking_loss(input1, input2, target, margin, reduction=reduction)
multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction='mean') =
    multi_margin_loss(in_row(input), target, p, margin, weight, reduction=reduction)
multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction='mean') =
    multilabel_margin_loss(in_row(input), in_row(target), reduction=reduction)
soft_margin_loss(input, target, size_average=None, reduce=None, reduction='mean') =
    NAME(input, target, reduction=reduction)
multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction='mean') =
    multilabel_soft_margin_loss(input, target, weight, reduction=reduction)
poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-08, reduce=None,
    reduction='mean') = poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=reduction)
smooth_l1_loss(input, target, size_average=None, reduce=None, reduction='mean', beta=1.0) =
    smooth_l1_loss(*alike(input, target), reduction=reduction, beta=beta)
triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-06, swap=False, size_average=None, reduce=None,
    reduction='mean') = triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=reduction)
triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False,
    reduction='mean') = triplet_margin_with_distance_loss(anchor, positive, negative,
    distance_function=inside(distance_function), margin=margin, swap=swap, reduction=reduction)
"""
