"""Run time of compiled programs: buffers, BLAS, and threads parked in a generated wait loop.

Each part has an entry point for generated code, an absolute address, and a Python function for tests:

    threads   `parallel(task, context, items, pieces)`: one region of work over the threads
    buffers   `empty(shape, dtype)`: 64-byte aligned arrays from a pool, or ending at a guard page
    blas      `gemm`: matrix products on the same threads; addresses of the library's own functions
    native    loads the generated code of this room
"""
