"""Pods are read as cAdvisor reads them: at once, then after 10 to 20 s by chance, or when a recording says."""

from __future__ import annotations

from itertools import islice

import numpy as np

from carpal_loadtests.simulation.kubelet import Kubelet


def test_a_pod_is_read_when_it_is_there_and_then_after_one_to_two_intervals() -> None:
    times = list(islice(Kubelet(10.0, seed=1).readings(5.0), 2000))
    gaps = np.diff(times)
    assert times[0] == 5.0
    assert 10 <= gaps.min() < 10.1
    assert 19.9 < gaps.max() <= 20
    assert abs(gaps.mean() - 15) < 0.2


def test_no_two_pods_are_read_together() -> None:
    kubelet = Kubelet(10.0, seed=1)
    first, second = (list(islice(kubelet.readings(0.0), 20)) for _ in range(2))
    assert not set(first[1:]) & set(second[1:])


def test_recorded_readings_are_kept_to_and_chance_goes_on_around_them() -> None:
    kubelet = Kubelet(10.0, seed=1, recorded=[[-3.0, 40.0, 52.0, 71.5], [60.0]])
    times = list(islice(kubelet.readings(0.0), 9))
    before = [at for at in times if at < 40]
    assert before[0] == 0.0
    assert 2 <= len(before) <= 4
    assert times[len(before) : len(before) + 3] == [40.0, 52.0, 71.5]
    assert 10 <= times[len(before) + 3] - 71.5 <= 20
    assert 60.0 in islice(kubelet.readings(50.0), 3)
    assert 60.0 not in islice(kubelet.readings(50.0), 3)  # a third pod was not recorded
