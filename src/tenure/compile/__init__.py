"""From a Program to machine code: passes, loops, LLVM IR, and the engine that compiles, keeps and loads it."""
