"""Linear algebra: decompositions, systems, spectra and norms of matrices, which are the last two axes of a tensor."""
