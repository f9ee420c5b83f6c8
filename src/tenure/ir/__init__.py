"""The language of recorded programs: abstract values, primitives, programs in SSA form."""
