# HAZARD 60 write_during_a_loan_from_another_thread
# Another thread writes what this one has lent.
# outcome: TN506

import threading

import tenure as tn

x = tn.zeros(2).mut()
failed = []


def work():
    try:
        x.add_(1.0)  # culprit
    except tn.BorrowError as error:
        failed.append(error)


with x.borrow() as lent:
    t = threading.Thread(target=work)
    t.start()
    t.join()
    got = lent.tolist()
want = [0.0, 0.0]
if failed:
    raise failed[0]
