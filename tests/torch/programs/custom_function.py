"""Autograd Functions of one's own: saved tensors, constants, several results, double backward, a straight-through step."""

import numpy as np
import torch
from start import normal
from torch.autograd import Function, gradcheck
from torch.autograd.function import once_differentiable


class LegendrePolynomial3(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class Exp(Function):
    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result


class LinearFunction(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class Sign(Function):
    @staticmethod
    def forward(ctx, x, width):
        ctx.width = width
        ctx.save_for_backward(x)
        s = x.sign()
        count = (s > 0).sum()
        ctx.mark_non_differentiable(count)
        return s, count

    @staticmethod
    @once_differentiable
    def backward(ctx, g, _):
        (x,) = ctx.saved_tensors
        g = g.clone()
        g[x.abs() > ctx.width] = 0
        return g, None


rng = np.random.default_rng(0)
x = torch.linspace(-np.pi, np.pi, 200)
y = torch.sin(x)
a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
P3 = LegendrePolynomial3.apply
for t in range(20):
    loss = (a + b * P3(c + d * x) - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 5e-6 * p.grad
            p.grad = None
    print(t, f"{loss.item():.5f}")
w = normal(rng, 3, 4).requires_grad_()
bias = torch.zeros(3, requires_grad=True)
for t in range(10):
    out, count = Sign.apply(LinearFunction.apply(normal(rng, 5, 4), w, bias), 1.0)
    loss = ((out - 0.5) ** 2).mean() + Exp.apply(w).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        bias -= 0.1 * bias.grad
    w.grad.zero_()
    bias.grad = None
    print(t, f"{loss.item():.6f}", count.item(), count.requires_grad)
z = torch.tensor([0.5, 1.5], dtype=torch.double, requires_grad=True)
(g,) = torch.autograd.grad(Exp.apply(z).sum(), z, create_graph=True)
(h,) = torch.autograd.grad((g * g).sum(), z)
print(torch.allclose(h, 2 * (2 * z).exp()), gradcheck(LinearFunction.apply, (z.view(1, 2), z.view(1, 2) * 2, None)))
