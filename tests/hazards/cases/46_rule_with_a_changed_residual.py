# HAZARD 46 rule_with_a_changed_residual
# A hand-written rule keeps its input, which is written before the backward.
# outcome: impossible

import tenure as tn

state = tn.tensor([3.0]).mut()


@tn.custom_vjp
def scaled(x):
    return x * state


scaled.defvjp(lambda x: (x * state, state.value), lambda kept, g: (g * kept,))
x = tn.ones(1, requires_grad=True)
y = scaled(x)
state.zero_()
y.sum().backward()
got = x.grad.item()
want = 3.0
