import pytest

from carpal_training.distributed.cluster import STORE_BYTES, check_shared_memory, told
from carpal_training.errors import DivergedError, SharedMemorySmallError, WorkerLostError


class GroupError(Exception):
    """As Ray wraps what its workers raised."""

    def __init__(self, failures: dict[int, BaseException]) -> None:
        super().__init__("2 workers failed\nlast words")
        self.worker_failures = failures


def test_what_a_worker_raised_comes_out_as_it_was() -> None:
    diverged = DivergedError("the loss became nan", "why", "remedy")
    wrapped = RuntimeError("RayTaskError")
    wrapped.__cause__ = diverged
    assert told(GroupError({0: wrapped, 1: ValueError("other")})) is diverged


def test_any_other_failure_names_the_last_words() -> None:
    failure = told(GroupError({0: ValueError("other")}))
    assert isinstance(failure, WorkerLostError)
    assert "last words" in failure.what
    assert "--resume" in failure.remedy


def test_a_container_with_too_little_shared_memory_is_told_before_ray_starts() -> None:
    with pytest.raises(SharedMemorySmallError, match="/dev/shm has 64 MB free, 80 MB are needed") as caught:
        check_shared_memory(64_000_000)
    assert "--shm-size" in caught.value.remedy
    check_shared_memory(STORE_BYTES)
    check_shared_memory(None)
