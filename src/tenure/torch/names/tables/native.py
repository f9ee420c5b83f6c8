"""Functions of ``torch`` that stand below those of ``torch.nn.functional``: another order of arguments, no defaults,
reductions by number, of which 0, none, is the default."""

TABLE = """
[torch]
adaptive_max_pool1d(input, output_size) -> out indices = F.adaptive_max_pool1d(input, output_size, True)
max_pool1d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False) -> out indices =
    F.max_pool1d(input, kernel_size, stride or None, padding, dilation, ceil_mode, True)
affine_grid_generator(theta, size, align_corners) = F.affine_grid(theta, size, align_corners)
dropout alpha_dropout(input, p, train) = F.NAME(input, p, True) if train and p else input
feature_dropout(input, p, train) = F.dropout2d(input, p, True) if train and p else input
feature_alpha_dropout(input, p, train) = F.feature_alpha_dropout(input, p, True) if train and p else input
embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False) = F.embedding(indices, weight,
    None if padding_idx == -1 else padding_idx, None, 2.0, scale_grad_by_freq, sparse)
constant_pad_nd(input, pad, value=0) = padded(input, pad, 'constant', value)
batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled) =
    F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, cudnn_enabled) =
    F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners) = F.grid_sample(input, grid,
    ('bilinear', 'nearest', 'bicubic')[interpolation_mode], ('zeros', 'border', 'reflection')[padding_mode],
    align_corners)
native_layer_norm(input, normalized_shape, weight, bias, eps) -> out mean rstd = normalized(input, normalized_shape,
    weight, bias, eps)
binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=0) =
    F.binary_cross_entropy_with_logits(input, target, weight, reduction=named_reduction(reduction),
    pos_weight=pos_weight)
cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=0) =
    F.cosine_embedding_loss(input1, input2, target, margin, reduction=named_reduction(reduction))
hinge_embedding_loss(input, target, margin=1.0, reduction=0) =
    F.hinge_embedding_loss(input, target, margin, reduction=named_reduction(reduction))
kl_div(input, target, reduction=0, *, log_target=False) =
    F.kl_div(input, target, reduction=named_reduction(reduction), log_target=log_target)
margin_ranking_loss(input1, input2, target, margin=0.0, reduction=0) =
    F.margin_ranking_loss(input1, input2, target, margin, reduction=named_reduction(reduction))
poisson_nll_loss(input, target, log_input, full, eps, reduction) =
    F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=named_reduction(reduction))
triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-06, swap=False, reduction=0) =
    F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=named_reduction(reduction))
ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction=0, zero_infinity=False) =
    F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, named_reduction(reduction), zero_infinity)
embedding_bag(weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, per_sample_weights=None,
    include_last_offset=False, padding_idx=None) -> out offset2bag bag_size max_indices = bagged(
    F.embedding_bag(indices, weight, offsets, None, 2.0, scale_grad_by_freq, ('sum', 'mean', 'max')[mode], sparse,
    per_sample_weights, include_last_offset, padding_idx), indices, offsets)
conv_tbc(input, weight, bias, pad=0) = conv_in_time(input, weight, bias, pad)
frobenius_norm(input, dim, keepdim=False) = linalg_norm(input, 'fro', dim, keepdim)
nuclear_norm(input, dim=None, keepdim=False) = linalg_norm(input, 'nuc', dim, keepdim)
norm_except_dim(v, pow=2, dim=0) = norm_except(v, pow, dim)
segment_reduce(data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None) =
    segments_reduced(data, reduce, lengths, offsets, axis, initial)
fake_quantize_per_tensor_affine(input, scale, zero_point, quant_min, quant_max) =
    fake_quantized(input, scale, zero_point, None, quant_min, quant_max)
fake_quantize_per_channel_affine(input, scale, zero_point, axis, quant_min, quant_max) =
    fake_quantized(input, scale, zero_point, axis, quant_min, quant_max)
[torch Tensor]
get_device(input) = -1

[F]
conv_tbc(input, weight, bias, pad=0) = conv_in_time(input, weight, bias, pad)
max_pool1d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
    return_indices=False) = max_pool1d(input, kernel_size, stride or None, padding, dilation, ceil_mode,
    True)
max_pool2d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
    return_indices=False) = max_pool2d(input, kernel_size, stride or None, padding, dilation, ceil_mode,
    True)
max_pool3d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
    return_indices=False) = max_pool3d(input, kernel_size, stride or None, padding, dilation, ceil_mode,
    True)
adaptive_max_pool1d_with_indices(input, output_size, return_indices=False) =
    adaptive_max_pool1d(input, output_size, True)
adaptive_max_pool2d_with_indices(input, output_size, return_indices=False) =
    adaptive_max_pool2d(input, output_size, True)
adaptive_max_pool3d_with_indices(input, output_size, return_indices=False) =
    adaptive_max_pool3d(input, output_size, True)
"""
