# HAZARD 23 pickle_drops_alias
# Pickling turns a view into an array of its own; a borrow stays one of its place.
# outcome: impossible

import pickle

import tenure as tn

state = {"table": tn.zeros(2, 2).mut()}
state["row0"] = state["table"].data[0]
state = pickle.loads(pickle.dumps(state))
state["row0"] += 1.0
got = state["table"].sum().item()
want = 2.0
