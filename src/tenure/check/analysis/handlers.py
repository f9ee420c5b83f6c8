"""The function that executes each operation."""

from tenure.check import ops
from tenure.check.analysis import attributes, basic, calls, functions, items, iteration, operators
from tenure.check.analysis.borrows import BORROWS
from tenure.check.analysis.contexts import CONTEXTS
from tenure.check.analysis.handed import HANDED
from tenure.check.analysis.keeping import KEEPING
from tenure.check.analysis.recorder import RECORDER
from tenure.check.analysis.session import Handlers
from tenure.check.analysis.unasked import UNASKED

__all__ = ["HANDLERS", "LISTENERS"]

HANDLERS: Handlers = {
    ops.Load: basic.load,
    ops.Bind: basic.bind,
    ops.Unbind: basic.unbind,
    ops.Const: basic.const,
    ops.Build: basic.build,
    ops.Capture: basic.capture,
    ops.Merge: basic.merge,
    ops.Unpack: basic.unpack,
    ops.Def: basic.define,
    ops.Class: basic.define_class,
    ops.Read: basic.read_value,
    ops.Assume: basic.assume,
    ops.Enter: basic.enter,
    ops.Exit: basic.leave,
    ops.Return: basic.give_back,
    ops.Yield: basic.yield_value,
    ops.Await: functions.wait,
    ops.GetAttr: attributes.get_attribute,
    ops.SetAttr: attributes.set_attribute,
    ops.DelAttr: attributes.delete_attribute,
    ops.GetItem: items.get_item,
    ops.SetItem: items.set_item,
    ops.DelItem: items.delete_item,
    ops.Iter: iteration.iter_over,
    ops.Next: iteration.take_next,
    ops.Operate: operators.operate,
    ops.Call: calls.call,
}

LISTENERS = (RECORDER, KEEPING, BORROWS, UNASKED, CONTEXTS, HANDED)
"""The listeners of the analysis itself; those of the rules come after them."""
