# OK 75 second_name_inplace
# b = a * 2.

import tenure as tn

a = tn.tensor([1.0, 2.0])
b = a * 2.0
got = a.tolist()
want = [1.0, 2.0]
