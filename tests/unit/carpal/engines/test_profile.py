"""A profile is used where it was measured, for what it was measured with, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from carpal.engines.errors import ProfileInvalidError, ProfileMismatchError
from carpal.engines.profile import Profile, Setting, Timing, default_place, find_profile, read_profile
from carpal.machine import Machine

MACHINE = Machine(system="Linux x86_64", processor="EPYC", cores=2)
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def profile() -> Profile:
    timing = Timing(
        engine="openvino",
        precision="bfloat16",
        threads=2,
        streams=1,
        latency_ms=20.0,
        latency_p95_ms=22.0,
        images_per_s=48.0,
        calls=30,
        map50_95=0.79,
        gate="99%",
    )
    return Profile(
        model="starter:1",
        model_digest=DIGEST,
        machine=MACHINE,
        libraries={"openvino": "2026.4"},
        accept="99%",
        latency=timing.setting,
        throughput=Setting(engine="openvino", precision="bfloat16", threads=1, streams=2),
        timings=(timing,),
        seconds=12.0,
        created="2026-11-26T16:00:00+00:00",
        command="carpal tune --model starter",
    )


def write(profile: Profile, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(profile.to_json(indent=True))
    return path


def test_a_profile_in_the_cache_is_found_for_its_package_and_machine(profile: Profile, tmp_path: Path):
    assert find_profile(DIGEST, MACHINE, cache=tmp_path) is None
    write(profile, default_place(DIGEST, MACHINE, tmp_path))
    assert find_profile(DIGEST, MACHINE, cache=tmp_path) == profile


@pytest.mark.parametrize("change", ["package", "machine"])
def test_another_package_or_machine_has_another_place(profile: Profile, tmp_path: Path, change: str):
    write(profile, default_place(DIGEST, MACHINE, tmp_path))
    digest = "sha256:" + "cd" * 32 if change == "package" else DIGEST
    machine = MACHINE.model_copy(update={"cores": 4}) if change == "machine" else MACHINE
    assert find_profile(digest, machine, cache=tmp_path) is None


@pytest.mark.parametrize("change", ["package", "machine"])
def test_a_profile_that_was_named_is_refused_where_it_does_not_fit(profile: Profile, tmp_path: Path, change: str):
    path = write(profile, tmp_path / "profile.json")
    assert find_profile(DIGEST, MACHINE, path) == profile
    digest = "sha256:" + "cd" * 32 if change == "package" else DIGEST
    machine = MACHINE.model_copy(update={"cores": 4}) if change == "machine" else MACHINE
    with pytest.raises(ProfileMismatchError, match=f"another {change}") as caught:
        find_profile(digest, machine, path)
    assert "carpal tune --model starter:1" in caught.value.remedy


def test_a_profile_that_was_named_must_be_there_and_whole(profile: Profile, tmp_path: Path):
    with pytest.raises(ProfileInvalidError, match="cannot be read"):
        find_profile(DIGEST, MACHINE, tmp_path / "nothing.json")
    path = write(profile, tmp_path / "profile.json")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ProfileInvalidError, match="is not JSON"):
        read_profile(path)


def test_a_misspelt_key_is_named(profile: Profile, tmp_path: Path):
    path = tmp_path / "profile.json"
    path.write_bytes(orjson.dumps({**orjson.loads(profile.to_json()), "thruput": 1}))
    with pytest.raises(ProfileInvalidError, match="thruput") as caught:
        read_profile(path)
    assert caught.value.code == "config.profile-invalid"
