"""The threads: every item once, whoever calls and however often, at any number of threads."""

import ctypes
import threading
import time

import numpy as np
import pytest

from tenure.runtime import native, threads
from tests.runtime.native_tasks import repeat, tasks

pytestmark = pytest.mark.skipif(not native.LINUX, reason="one thread on this platform")

COUNT = tasks["count"]


@pytest.fixture(autouse=True, params=[1, 2, 5])
def number(request):
    threads.set_num_threads(request.param)
    yield request.param
    threads.set_num_threads(0)


@pytest.mark.parametrize("items", [-1, 0, 1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("pieces", [-1, 0, 1, 2, 8, 5000])
def test_every_item_is_done_once(items, pieces):
    cells = np.zeros(max(items, 0) + 8, np.int64)
    threads.parallel(COUNT, cells.ctypes.data, items, pieces)
    assert (cells[: max(items, 0)] == 1).all()
    assert (cells[max(items, 0) :] == 0).all()


def test_regions_in_a_row():
    cells = np.zeros(37, np.int64)
    repeat(threads.address, COUNT, cells.ctypes.data, 37, 8, 20_000)
    assert (cells == 20_000).all()


def test_regions_after_a_rest():
    cells = np.zeros(37, np.int64)
    for _ in range(200):
        time.sleep(1e-4)
        threads.parallel(COUNT, cells.ctypes.data, 37, 8)
    assert (cells == 200).all()


def test_a_region_inside_a_region():
    cells = np.zeros(64 * 16, np.int64)
    context = np.array([threads.address, cells.ctypes.data], np.int64)
    repeat(threads.address, tasks["nest"], context.ctypes.data, 64, 8, 500)
    assert (cells == 500).all()


def test_many_python_threads_at_once():
    cells = np.zeros((8, 100), np.int64)

    def work(row):
        for _ in range(20):
            repeat(threads.address, COUNT, row.ctypes.data, 100, 8, 100)

    crowd = [threading.Thread(target=work, args=(row,)) for row in cells]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert (cells == 2000).all()


def test_the_number_changes_while_others_work():
    cells = np.zeros(100, np.int64)

    def work():
        for _ in range(200):
            repeat(threads.address, COUNT, cells.ctypes.data, 100, 8, 50)

    other = threading.Thread(target=work)
    other.start()
    for count in [1, 2, 3, 0] * 5:
        threads.set_num_threads(count)
    other.join()
    assert (cells == 10_000).all()


def test_work_is_shared(number):
    seen = set()

    @threads.TASK
    def task(context, first, last):
        seen.add(threading.get_native_id())
        time.sleep(0.01)

    for _ in range(20):
        threads.parallel(ctypes.cast(task, ctypes.c_void_p).value, None, 4 * number, 4 * number)
        if len(seen) == number:
            break
    assert len(seen) == number


def test_blocks_depend_on_items_and_pieces_alone(number):
    blocks = []

    @threads.TASK
    def task(context, first, last):
        blocks.append((first, last))

    threads.parallel(ctypes.cast(task, ctypes.c_void_p).value, None, 10, 4)
    assert sorted(blocks) == ([(0, 10)] if number == 1 else [(0, 3), (3, 6), (6, 9), (9, 10)])


def test_the_number_is_what_was_set(number):
    assert threads.get_num_threads() == number
    threads.parallel(COUNT, np.zeros(4, np.int64).ctypes.data, 4, 4)
    assert threads.get_num_threads() == number


def test_a_number_that_makes_no_sense():
    with pytest.raises(ValueError, match="1 to 256"):
        threads.set_num_threads(-1)
    with pytest.raises(ValueError, match="1 to 256"):
        threads.set_num_threads(257)


def test_the_number_is_refused_inside_a_region(monkeypatch):
    threads.set_num_threads(2)
    monkeypatch.setattr(threads, "_PATIENCE", 0.01)
    errors = []

    @threads.TASK
    def task(context, first, last):
        try:
            threads.set_num_threads(1)
        except RuntimeError as error:
            errors.append(str(error))

    threads.parallel(ctypes.cast(task, ctypes.c_void_p).value, None, 2, 2)
    assert errors == ["the number of threads cannot change inside a parallel region"] * 2


def test_idle_threads_take_no_cpu():
    threads.parallel(COUNT, np.zeros(40, np.int64).ctypes.data, 40, 40)
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.01


def test_workers_that_are_called_seldom_do_not_spin(number):
    """Theirs and the main thread's time for a region is far below what the longest wait takes."""
    cells = np.zeros(8, np.int64)
    gap, regions = 3e-9 * threads.PATIENCE, 100

    def spent():
        before = time.process_time_ns()
        for _ in range(regions):
            time.sleep(gap)
            threads.parallel(COUNT, cells.ctypes.data, 8, 8)
        return time.process_time_ns() - before

    spent()
    assert min(spent() for _ in range(5)) < regions * threads.PATIENCE * (number + 1) / 5
