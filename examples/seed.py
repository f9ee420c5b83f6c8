import tenure as torch

x = torch.tensor([2], requires_grad=True, dtype=torch.float)
y = torch.tensor([3], requires_grad=True, dtype=torch.float)

for _ in range(2):
    z = x * y
    z.backward()
    print("x_grad =", x.grad)
    x.data = x.data - 0.1 * x.grad
    x.grad.data.zero_()
    print("x =", x)

print("z =", z)
