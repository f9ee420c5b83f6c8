# HAZARD 12c jacobi_reads_what_it_writes
# A sweep reads the neighbours that it has just written, where views are read: here the whole right side is a value.
# outcome: impossible

import tenure as tn

u = tn.tensor([0.0, 0.0, 0.0, 8.0]).mut()
old = u[:]
u[1:-1] = 0.5 * (old[:-2] + old[2:])
u[1:-1] += 0.0 * u[1:-1]
got = u.tolist()
want = [0.0, 0.0, 4.0, 8.0]
