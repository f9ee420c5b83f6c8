"""Values that leave the present code: through queues, threads, hooks and deep copies."""

import ast

from tenure.check import ops
from tenure.check.analysis.libraries import Libraries
from tenure.check.analysis.summaries import Given
from tenure.check.effects.effect import TENSORS
from tenure.check.scope import parameters
from tenure.check.values import MUST, Holder, Obj, Ref, Value, Write

__all__ = ["Escapes"]


class Escapes(Libraries):
    """Values that other code reads or writes later."""

    threads: dict[Obj, list[ast.AST]]
    reshaped: dict[Obj, Write]
    sent = False

    def written(self, ref: Ref, holder: Holder | None, write: Write) -> None:
        super().written(ref, holder, write)
        obj = ref.obj
        if obj.text == "parted" and write.sort == "write":
            self.event("alias-lost", obj.node, write.node)
        if obj.root().kind == "jax" and obj.kind != "jax" and write.sort == "write":
            self.event("write-to-a-value", write.node, obj.node)
        if obj.text == "reshaped" and write.sort == "write":
            self.reshaped.setdefault(obj, write)
        for holder_of, value in list(self.state.cells.items()) if self.sent and write.sort == "write" else ():
            if not isinstance(holder_of, tuple):
                continue
            for held in value:
                sent = held.loan is not None and held.loan.relation == "queued" and held.write is None
                if sent and held.loan is not None and self.state.overlap(held.obj, obj) is MUST:
                    self.event("sent-value-overwritten", write.node, held.loan.node)

    def queued(self, refs: list[Ref], op: ops.Call) -> None:
        """Put a value on a queue: its receiver sees the writes in between."""
        target = refs[0].obj.target
        if op.method not in ("put", "put_nowait", "send") or not isinstance(target, str):
            return
        if not any(word in target for word in ("Queue", "Pipe", "Connection")) or not op.args:
            return
        source = self.sources.get(op.args[0][0])
        shared = not target.startswith("multiprocessing")
        for ref in self.get(op.args[0][0]):
            if source is not None and shared and ref.obj.kind in TENSORS:
                held = ref._replace(loan=self.loan("queued", source, ref._replace(loan=None)), write=None)
                self._store(refs[0].obj, "*", (held,), weak=True)
                self.sent = True

    def thread(self, op: ops.Call) -> None:
        """Start a thread on a function that writes the same object as another one."""
        registers = dict(op.keywords)
        target = self.get(registers.get("target"))
        args = [ref for one in self.get(registers.get("args")) for ref in [one]]
        for ref in target:
            function = ref.obj.target
            if not isinstance(function, ops.Function):
                continue
            given = self._thread_arguments(function, args)
            summary = self.summarize(function, self._examples(function, given))
            for act in summary.acts.values():
                for written, _ in self.resolve(act.path, given, function):
                    self._race(written, act.write, op)

    def _examples(self, function: ops.Function, given: dict[str, tuple[Value, Holder | None]]) -> dict[str, Obj]:
        out = {name: value[0].obj for name, (value, _) in given.items() if len(value) == 1}
        return out | self.outer_examples(function)

    def _thread_arguments(self, function: ops.Function, args: list[Ref]) -> dict[str, tuple[Value, Holder | None]]:
        names = [given.arg for given in parameters(function.node)]
        out: dict[str, tuple[Value, Holder | None]] = {}
        for one in args:
            for at, name in enumerate(names):
                out[name] = (self.field(one.obj, at), (one.obj, at))
        return out

    def _race(self, written: Ref, write: Write, op: ops.Call) -> None:
        obj = written.obj
        if obj.kind not in ("tensor", "ndarray") or obj.summary:
            return
        others = self.threads.setdefault(obj, [])
        again = any(node is not op.node for node in others) or (op.node in others and not self._loop_local(obj))
        others.append(op.node)
        if again:
            self.event("thread-race", write.inner[1] if write.inner else write.node, obj.node, op.node)

    def _loop_local(self, obj: Obj) -> bool:
        """Whether each round of a loop has an object of its own there."""
        at: Obj | None = obj
        while at is not None:
            if any(isinstance(part, Obj) for component in at.region for part in component) or isinstance(at.field, Obj):
                return True
            if ("old", at) in self.objects:
                return True
            at = at.base or at.owner
        return False

    def hooked(self, refs: list[Ref], op: ops.Call) -> None:
        """Report a hook that keeps a layer's output, where the next layer overwrites it."""
        if not op.method.startswith("register_forward_hook") or not op.args:
            return
        following = [ref for one in refs for ref in self._layer_behind(one.obj)]
        in_place = next((ref.obj for ref in following if ref.obj.text == "in-place"), None)
        if in_place is None:
            return
        for hook in self.get(op.args[0][0]):
            function = hook.obj.target
            if not isinstance(function, ops.Function):
                continue
            names = [given.arg for given in parameters(function.node)]
            summary = self.summarize(function, self.outer_examples(function) | self._hook_examples(names))
            kept = [one for _, _, value in summary.stores for one in value if isinstance(one, Given)]
            if len(names) > 2 and any(one.path.name == names[2] for one in kept):
                self.event("hooked-output-overwritten", op.node, in_place.node)

    def _hook_examples(self, names: list[str]) -> dict[str, Obj]:
        return {names[2]: Obj("tensor")} if len(names) > 2 else {}

    def _layer_behind(self, layer: Obj) -> Value:
        """The next layer in the sequence that holds a layer."""
        for holder, value in list(self.state.cells.items()):
            match holder:
                case (Obj(kind="module") as sequence, int(at)) if any(ref.obj is layer for ref in value):
                    return self.state.cells.get((sequence, at + 1), ())
        return ()
