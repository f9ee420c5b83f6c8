"""Movement, joining, reading by index and writing by it."""

TABLE = """
[torch face]
reshape(input, *shape) = input.reshape(shape)
unflatten(input, dim, sizes) = input.unflatten(dim, sizes)
flatten(input, start_dim=0, end_dim=-1) = input.flatten(start_dim, end_dim)
transpose(input, dim0, dim1) = input.transpose(dim0, dim1)
swapaxes(input, axis0, axis1) = input.transpose(axis0, axis1)
swapdims(input, dim0, dim1) = input.transpose(dim0, dim1)
t ravel adjoint detach conj view_as_real view_as_complex(input) = input.NAME()
real imag(input) = input.NAME
permute(input, dims) = input.permute(dims)
movedim moveaxis(input, source, destination) = input.movedim(source, destination)
squeeze(input, dim=None) = input.squeeze(dim)
unsqueeze(input, dim) = input.unsqueeze(dim)
narrow(input, dim, start, length) = input.narrow(dim, start, length)
select(input, dim, index) = input.select(dim, index)
broadcast_to(input, size) = input.expand(size)
diagonal(input, offset=0, dim1=0, dim2=1) = input.diagonal(offset, dim1, dim2)
as_strided(input, size, stride, storage_offset=None) = input.as_strided(size, stride, storage_offset)
chunk unsafe_chunk(input, chunks, dim=0) = input.chunk(chunks, dim)
split(tensor, split_size_or_sections, dim=0) = tensor.split(split_size_or_sections, dim)
unsafe_split(tensor, split_size, dim=0) = tensor.split(split_size, dim)
split_with_sizes(input, split_sizes, dim=0) = input.split(split_sizes, dim)
tensor_split(input, indices_or_sections, dim=0) = input.tensor_split(indices_or_sections, dim)
hsplit vsplit dsplit(input, indices_or_sections) = input.NAME(indices_or_sections)
unbind(input, dim=0) = input.unbind(dim)
broadcast_tensors(*args) = broadcasts(args)
meshgrid(*args, indexing=None) = grids(args, indexing)
atleast_1d atleast_2d atleast_3d(*args) = at_least(NAME, args)

[Tensor face]
repeat(input, *repeats) = input._copied(tiled(input._read(), repeats))
unsafe_chunk(input, chunks, dim=0) = input.chunk(chunks, dim)
unsafe_split(input, split_size, dim=0) = input.split(split_size, dim)
split_with_sizes(input, split_sizes, dim=0) = input.split(split_sizes, dim)

[torch out]
cat concat concatenate(tensors, dim=0) = cat(joined(tensors, dim), dim=dim)
stack(tensors, dim=0) = stack(tensors, dim=dim)
hstack vstack dstack column_stack row_stack(tensors)

[torch]
block_diag cartesian_prod(*tensors) = NAME(*tensors)
combinations(input, r=2, with_replacement=False)
split_copy(input, split_size, dim=0) = split(input, split_size, dim)
unbind_copy(input, dim=0) = unbind(input, dim)
split_with_sizes_copy(input, split_sizes, dim=0) = split_with_sizes(input, split_sizes, dim)

[torch out]
alias_copy detach_copy(input) = clone(input)
transpose_copy(input, dim0, dim1) = clone(transpose(input, dim0, dim1))
permute_copy(input, dims) = clone(permute_dims(input, dims))
t_copy(input) = clone(t(input))
squeeze_copy(input, dim=None) = clone(squeezed(input, dim))
unsqueeze_copy(input, dim) = clone(unsqueeze(input, dim))
view_copy(input, size) = clone(reshape(input, size))
expand_copy(input, size, *, implicit=False) = clone(expanded(input, size))
diagonal_copy(input, offset=0, dim1=0, dim2=1) = clone(diagonal(input, offset, dim1=dim1, dim2=dim2))
select_copy(input, dim, index: any) = clone(take(input, index, dim))
unfold_copy(input, dimension, size, step) = clone(input.unfold(dimension, size, step))
as_strided_copy(input, size, stride, storage_offset=None) = strided_copy(input, size, stride, storage_offset)

[torch Tensor out]
narrow_copy(input, dim, start, length) = clone(narrow(input, dim, start, length))

[torch Tensor out]
take_along_dim(input, indices, dim=None)
take(input, index) = taken(input, index)
gather(input, dim, index, *, sparse_grad=False) = gather(input, dim, from_zero(index))
index_select(input, dim, index) = selected(input, dim, index)
masked_select(input, mask) = masked(input, mask)
nonzero(input, *, as_tuple=False) = places_of(input, as_tuple)
diag(input, diagonal=0)
diag_embed(input, offset=0, dim1=-2, dim2=-1)
diagonal_scatter(input, src, offset=0, dim1=0, dim2=1) = diagonal_scatter(input, in_dtype_of(input, src), offset, dim1,
    dim2)
select_scatter(input, src, dim, index: any) = select_scatter(input, in_dtype_of(input, src), dim, index)
as_strided_scatter(input, src, size, stride, storage_offset=None) = as_strided_scatter(input, in_dtype_of(input, src),
    size, stride, storage_offset)
slice_scatter(input, src, dim=0, start=None, end=None, step=1) = slice_scatter(input, in_dtype_of(input, src), dim,
    start, end, step)

[torch Tensor elementwise]
clone(input, *, memory_format=None) = clone(input)
flip(input, *dims) = flip(input, dims)

[torch Tensor]
argwhere fliplr flipud(input)
diagflat(input, offset=0)
tile(input, *dims) = tile(input, *dims)
roll(input, shifts, dims=None) = roll(input, shifts=shifts, dims=dims if dims != () else None)
rot90(input, k=1, dims=(0, 1))
repeat_interleave(input, repeats=None, dim=None, *, output_size=None)
unravel_index(indices, shape) = tuple(unravel_index(indices, shape if hasattr(shape, '__len__') else (shape,)))
nonzero_static(input, *, size, fill_value=-1) = padded_rows(nonzero(input, as_tuple=False), size, fill_value)

[torch Tensor Tensor_ out]
tril triu(input, diagonal=0)
index_copy(input, dim, index, source) = index_copy(input, dim, from_zero(index), source)
index_fill(input, dim, index, value) = index_fill(input, dim, index, fitting(input, value)) ! f'IndexFillBackward{1 *
    (type(value) is _V)}'
masked_fill(input, mask, value) = masked_fill(broadcast_tensors(input, mask)[0], mask,
    fitting(input, value)) ! f'MaskedFillBackward{1 * (type(value) is _V)}'
masked_scatter(input, mask, source) = masked_scatter(broadcast_tensors(input, mask)[0], mask, source)

[torch Tensor Tensor_ out bools]
scatter(input, dim, index, src: Tensor) = scatter(input, dim, from_zero(index), src)
scatter(input, dim, index, value: number) = scatter(input, dim, from_zero(index),
    value=filling(input, value)) ! 'ScatterBackward1'
scatter(input, dim, index, src: Tensor, *, reduce) = scatter(input, dim, from_zero(index), src, reduce=reduce)
scatter(input, dim, index, value: number, *, reduce) = scatter(input, dim, from_zero(index), value=value, reduce=reduce)
scatter_add(input, dim, index, src) = scatter_add(input, dim, from_zero(index), src)
scatter_reduce(input, dim, index, src, reduce, *, include_self=True) = scatter_reduce(input, dim, from_zero(index), src,
    reduce, include_self=include_self)
index_add(input, dim, index, source, *, alpha=1) = index_add(input, dim, from_zero(index), source, alpha=alpha)
index_reduce(input, dim, index, source, reduce, *, include_self=True) = reduced_by_index(input, dim, index, source,
    reduce, include_self)
index_put(input, indices, values, accumulate=False) = put_by_index(input, indices, values, accumulate)
put(input, index, source, accumulate=False)
"""
