"""Statements of random programs over views, windows, in-place writes, detach, .data, NumPy loans and backward."""

import torch


def attempt(function):
    try:
        return function()
    except Exception as error:
        return type(error).__name__


class Statements:
    """Generator of statements, from a random number generator and the world that PyTorch has made so far."""

    prelude = ""

    def __init__(s, r, W):
        s.r, s.W, s.n, s.all = r, W, 0, {}

    def fresh(s):
        s.n += 1
        return f"t{s.r.randrange(9)}"

    def pick(s, ok=lambda t: True):
        """Expression of a tensor of a kind; PyTorch refuses to say whether some views are leaves."""
        c = [k for k, v in s.all.items() if attempt(lambda v=v: ok(v)) is True]
        return s.r.choice(c) if c else None

    def get(s, k):
        return s.all[k]

    def lit(s, shape):
        if not shape:
            return str(s.r.choice([-2.0, -1.0, 1.0, 2.0, 3.0]))
        return "[" + ", ".join(s.lit(shape[1:]) for _ in range(shape[0])) + "]"

    def make(s):
        r = s.r
        sh = r.choice([(3,), (3,), (4,), (2, 3), (3, 3), (3, 3), (2, 2, 3), (), (1, 3), (6,)])
        d = r.random()
        if d < 0.06:
            return f"torch.arange({r.choice([3, 4, 6])})"
        if d < 0.12:
            return f"torch.tensor({s.lit(sh)}, dtype=torch.float32)"
        if d < 0.3:
            return f"torch.zeros({', '.join(map(str, sh))})" if sh else "torch.tensor(0.)"
        return f"torch.tensor({s.lit(sh)}{', requires_grad=True' if r.random() < 0.45 else ''})"

    def sl(s, n):
        r = s.r
        a = r.randrange(0, n + 1)
        b = r.randrange(a, n + 1)
        return r.choice([f"{a}:{b}", ":", f"{a}:", "::2", f"-{r.randrange(1, n + 1)}:"] if n else [":"])

    def index(s, t, adv=True):
        r = s.r
        out = []
        used = False
        for n in t.shape[: r.randrange(0, t.ndim + 1) if t.ndim > 1 else t.ndim]:
            q = r.random()
            if q < 0.4 and n:
                out.append(str(r.randrange(-n, n)) if r.random() < 0.98 else str(n))
            elif q < 0.7 or not n:
                out.append(s.sl(n))
            elif adv and not used and q < 0.9:
                used = True
                out.append(
                    str(r.sample(range(n), r.randrange(1, n + 1)))
                    if r.random() < 0.6
                    else f"torch.tensor({r.sample(range(n), r.randrange(1, n + 1))})"
                )
            elif q < 0.95:
                out.append(f"torch.tensor({r.randrange(n)})")
            else:
                out.append(":")
        if r.random() < 0.12:
            out.insert(r.randrange(len(out) + 1), "None")
        if r.random() < 0.12:
            out.append("...")
        return ", ".join(out) or "..."

    def viewof(s, k):
        r = s.r
        t = s.get(k)
        sh = t.shape
        c = [f"{k}[{s.index(t, False)}]"] * 5 + [
            f"{k}[{s.index(t)}]",
            f"{k}.detach()",
            f"{k}.detach()",
            f"{k}.data",
            f"{k}.contiguous()",
            f"{k}.unsqueeze({r.randrange(t.ndim + 1)})",
            f"{k}.squeeze()",
            f"{k}.to({t.dtype})",
            f"{k}.flatten()",
            f"{k}.reshape(-1)",
            f"{k}.view(-1)",
        ]
        if t.ndim >= 1:
            d = r.randrange(t.ndim)
            m = sh[d]
            c += [f"{k}.expand({r.randrange(1, 3)}, {', '.join(map(str, sh))})"]
            if m:
                c += [
                    f"{k}.unbind({d})[{r.randrange(m)}]",
                    f"{k}.narrow({d}, {r.randrange(m)}, 1)",
                    f"{k}.split({r.randrange(1, m + 1)}, {d})[0]",
                    f"{k}.chunk({r.choice([1, 2])}, {d})[-1]",
                ]
            if m > 1:
                c += [f"{k}.unfold({d}, 2, 1)"]
        if t.ndim == 2:
            c += [
                f"{k}.t()",
                f"{k}.T",
                f"{k}.transpose(0, 1)",
                f"{k}.diagonal()",
                f"{k}.view({sh[1]}, {sh[0]})",
                f"{k}.reshape({sh[1]}, {sh[0]})",
            ]
        return r.choice(c)

    def mate(s, t, exact=False):
        def ok(u):
            try:
                return u.dtype == t.dtype and (
                    u.shape == t.shape if exact else torch.broadcast_shapes(u.shape, t.shape) == t.shape
                )
            except RuntimeError:
                return False

        return s.pick(ok)

    def operand(s, t):
        r = s.r
        q = r.random()
        if q < 0.3:
            return r.choice(["1.", "2", "-1.", "0.5"])
        if q < 0.36:
            k = s.pick(lambda u: u.ndim == 0)
        elif q < 0.42:
            k = s.pick()
        else:
            k = s.mate(t)
        if k is None:
            return "2."
        q = r.random()
        return (
            k
            if q < 0.6
            else f"{k} * 2"
            if q < 0.75
            else f"{k}.clone()"
            if q < 0.85
            else f"{k}.detach()"
            if q < 0.93
            else f"{k}.sum()"
        )

    def pure(s):
        r = s.r
        k = s.pick()
        t = s.get(k)
        q = r.random()
        if q < 0.4:
            return f"{k} {r.choice('+-**')} {s.operand(t)}"
        if q < 0.55:
            return (
                f"{k}.{r.choice(['relu()', 'clone()', 'sum()', 'sum(0)', 'tanh()', 'float()', 'double()', 'clone()'])}"
                if t.dtype.is_floating_point and t.ndim
                else f"{k}.clone()"
            )
        if q < 0.6:
            return f"-{k}" if t.dtype != torch.bool else f"{k}.clone()"
        m = s.mate(t, True)
        if q < 0.7 and m and t.ndim:
            return f"torch.cat([{k}, {m}])"
        if q < 0.75 and m:
            return f"torch.stack([{k}, {m}])"
        if q < 0.82 and m:
            return f"torch.where({k} > 0, {k}, {m})"
        if t.ndim:
            return f"{k}[{s.index(t)}]"
        return f"{k} * 2"

    def write(s):
        r = s.r
        k = s.pick()
        t = s.get(k)
        q = r.random()
        o = s.operand(t)
        m = s.mate(t)
        if q < 0.2:
            return f"{k} {r.choice(['+=', '-=', '*='])} {o}"
        if q < 0.28:
            return f"{k}.{r.choice(['add_', 'mul_', 'sub_'])}({o})"
        if q < 0.31 and m and t.dtype != torch.bool:
            return f"{k}.add_({m}, alpha=2)"
        if q < 0.36 and m:
            return f"{k}.copy_({m})"
        if q < 0.42:
            return f"{k}.{r.choice(['zero_()', 'fill_(2.)', 'fill_(3)'])}"
        if q < 0.46 and t.dtype.is_floating_point:
            return f"{k}.{r.choice(['relu_()', 'tanh_()'])}"
        if q < 0.50:
            return (
                f"{k}.masked_fill_({k}.detach() > 1, 0.5)"
                if r.random() < 0.5
                else f"{k}.masked_fill_({m or k}.clone() > 0, 2.)"
            )
        if q < 0.54:
            return (
                f"{k}[{m or k} > 0] = {r.choice(['1.', '2', 'torch.tensor(3.)'])}"
                if (m is None or s.get(m).shape == t.shape) and t.ndim
                else f"{k}.zero_()"
            )
        if q < 0.58 and t.ndim and t.shape[0]:
            c = s.pick(
                lambda u: u.dtype == t.dtype and u.ndim == t.ndim and u.shape[1:] == t.shape[1:] and u.shape[0] > 0
            )
            n = s.get(c).shape[0] if c else 0
            if c:
                return f"{k}.index_add_(0, torch.tensor({[r.randrange(t.shape[0]) for _ in range(n)]}), {c})"
        if q < 0.61:
            a, b = s.mate(t), s.mate(t)
            if a and b:
                return f"torch.add({a}, {b}, out={k})"
        if not t.ndim:
            return f"{k}[...] = {o}"
        ix = s.index(t)
        v = attempt(lambda: eval(f"t[{ix}]", {"t": t, "torch": torch}))
        if isinstance(v, str):
            return f"{k}[{ix}] = 1."
        w = s.mate(v)
        rhs = r.choice(["1.", "2", o] + [w, f"{w} * 2"] * 2 if w else ["1.", "3.", o])
        return f"{k}[{ix}] {r.choice(['=', '=', '=', '+=', '*='])} {rhs}"

    def stmt(s):
        r = s.r
        if len(s.all) < 2:
            return f"{s.fresh()} = {s.make()}"
        q = r.random()
        k = s.pick()
        t = s.get(k)
        x = s.fresh()
        if q < 0.07:
            return f"{x} = {s.make()}"
        if q < 0.11:
            return r.choice([f"{x} = {k}", f"L.append({k})" if len(s.W.names["L"]) < 5 else f"L[1] = {k}"])
        if q < 0.30:
            return f"{x} = {s.viewof(k)}"
        if q < 0.42:
            return f"{x} = {s.pure()}"
        if q < 0.68:
            return s.write()
        if q < 0.74:
            return f"print({k}.{r.choice(['sum().item()', 'tolist()'])})"
        if q < 0.77:
            return f"print(({k} * 2).sum().item())"
        if q < 0.80:
            flags = ["requires_grad_()", "requires_grad_()", "requires_grad_(False)", "detach_()", "retain_grad()"]
            return f"{k}.{r.choice(flags)}"
        if q < 0.88:
            k = s.pick(lambda t: t.requires_grad) or k
            fl = r.choice(["", "", "", "retain_graph=True", ""])
            m = s.pick(lambda t: t.requires_grad and t.dtype == s.get(k).dtype and t.shape == s.get(k).shape) or k
            return r.choice(
                [
                    f"{k}.sum().backward({fl})",
                    f"{k}.sum().backward({fl})",
                    f"({k} * {m}).sum().backward({fl})",
                    f"{k}.backward({fl})",
                ]
                + ([f"{x} = torch.autograd.grad({k}.sum(), [{m}])[0].clone()"] if r.random() < 0.4 else [])
            )
        if q < 0.93:
            k = s.pick(lambda t: t.grad is not None)
            if not k:
                return f"print({s.pick()}.sum().item())"
            return r.choice(
                [
                    f"with torch.no_grad(): {k} -= {k}.grad",
                    f"{k}.data -= {k}.grad",
                    f"{k}.data = {k}.data - {k}.grad",
                    f"{k}.grad = None",
                    f"{k}.grad.zero_()",
                    f"{x} = {k}.grad",
                    f"{x} = {k}.grad[...]",
                    f"{k}.grad.mul_(0.5)",
                    f"{k}.grad.data.zero_()",
                ]
            )
        if q < 0.94:
            m = s.mate(t, True)
            return f"{k}.data = {m}" if m else f"{k}.data = {k}.data"
        if q < 0.945:
            m = s.mate(t, True)
            return f"{k}.grad = {m}.detach()" if m else f"{k}.grad = None"
        if q < 0.975:
            i = r.randrange(2)
            n = s.W.names.get(f"n{i}")
            if n is None or r.random() < 0.2:
                return f"n{i} = {k}.detach().numpy()" if t.ndim else f"print({k}.item())"
            if n.shape and n.shape[0]:
                return r.choice(
                    [
                        f"n{i}[0] = 5",
                        f"n{i} += 1" if n.dtype.kind == "f" else f"n{i}[0] = 2",
                        f"print(n{i}.sum())",
                        f"{x} = torch.from_numpy(n{i})",
                        f"n{i} = None",
                    ]
                )
            return f"n{i} = None"
        if q < 0.985:
            return f"{k}.grad_fn; {k}.register_hook(lambda g: None if g is None else g * 2)"
        if q < 0.995:
            return f"for q_ in {k}: q_ {r.choice(['+=', '*='])} 2"
        return f"L[:] = list({k})[:4]" if t.ndim else f"{x} = {k}"

    def next(s):
        s.all = s.W.tensors()
        q = s.stmt()
        if s.r.random() < 0.08 and not q.startswith(("with", "for")):
            q = "with torch.no_grad(): " + q
        return q
