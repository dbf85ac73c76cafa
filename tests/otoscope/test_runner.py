"""What the processes of a run are given."""

from otoscope.runner import own_gpu


def test_each_process_has_a_gpu_of_its_own_and_more_processes_share_in_turn() -> None:
    assert [own_gpu(slot, None, 2) for slot in range(3)] == ["0", "1", "0"]
    assert [own_gpu(slot, "4,7", 2) for slot in range(3)] == ["4", "7", "4"]


def test_one_gpu_or_none_is_left_as_it_is() -> None:
    assert own_gpu(0, None, 0) is None
    assert own_gpu(3, "5", 1) is None
