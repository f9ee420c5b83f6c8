"""The table of names, a family a file; ``names.rows`` says how it is written."""

from tenure.torch.names.tables import elementwise, functional, masked, matrices, moving, native, reductions, sources

TABLES = (
    elementwise.TABLE,
    reductions.TABLE,
    moving.TABLE,
    matrices.TABLE,
    sources.TABLE,
    functional.TABLE,
    native.TABLE,
    masked.TABLE,
)
