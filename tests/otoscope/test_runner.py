"""What the processes of a run are given, and what Ctrl-C may not cut in two."""

import signal
import threading
from collections.abc import Iterator

import pytest

from otoscope.runner import own_gpu, uninterrupted


def test_each_process_has_a_gpu_of_its_own_and_more_processes_share_in_turn() -> None:
    assert [own_gpu(slot, None, 2) for slot in range(3)] == ["0", "1", "0"]
    assert [own_gpu(slot, "4,7", 2) for slot in range(3)] == ["4", "7", "4"]


def test_one_gpu_or_none_is_left_as_it_is() -> None:
    assert own_gpu(0, None, 0) is None
    assert own_gpu(3, "5", 1) is None


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C as Python takes it, whatever started the tests: a background shell ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_waits_for_the_end_of_a_block_and_is_then_heard(heard) -> None:
    handler, steps = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            steps.append("end of the block")
        steps.append("after the block")
    assert steps == ["end of the block"]
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_error_in_the_block_goes_before_and_the_handler_comes_back(heard) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        raise ValueError
    assert signal.getsignal(signal.SIGINT) is handler


def test_other_threads_hear_no_signals_and_need_no_handler() -> None:
    done = []

    def work() -> None:
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
