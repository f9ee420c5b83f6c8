# OK 23 pickle_drops_alias
# The borrow is taken again after loading.

import pickle

import tenure as tn

state = {"table": tn.zeros(2, 2).mut()}
state = pickle.loads(pickle.dumps(state))
state["row0"] = state["table"].data[0]
state["row0"] += 1.0
got = state["table"].sum().item()
want = 2.0
