"""Programs as text, one instruction a line:

program(%0: float32[3]) {
  %1 = sin %0                          : float32[3]
  %2 = reduce_sum %1 axes=(0,)         : float32[]
  return %2
}
"""

from __future__ import annotations

from tenure.ir.program import Program


def show(program: Program) -> str:
    """The text of a program."""
    n = len(program.inputs)
    inputs = ", ".join(f"%{k}: {aval}" for k, aval in enumerate(program.inputs))
    lines = [f"program({inputs}) {{"]
    for k, at in enumerate(program.instructions):
        operands = " ".join(f"%{o}" for o in at.operands)
        params = " ".join(f"{name}={value}" for name, value in at.params.items())
        body = " ".join(filter(None, [f"%{n + k} =", at.primitive.name, operands, params]))
        lines.append(f"  {body:<36} : {at.aval}")
    lines.append(f"  return {' '.join(f'%{o}' for o in program.outputs)}")
    return "\n".join([*lines, "}"])
