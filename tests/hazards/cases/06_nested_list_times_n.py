# HAZARD 06 nested_list_times_n
# [[t] * 2] * 2: all rows are one list, but what it holds are values.
# outcome: impossible

import tenure as tn

rows = [tn.zeros(2)] * 3
rows[0] += 1.0
got = [r.sum().item() for r in rows]
want = [2.0, 0.0, 0.0]
