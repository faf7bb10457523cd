"""What ``carpal tune`` found for one package on one machine: the settings to run it with, and the table behind them.

It lies in ``<cache>/profiles/<package>-<machine>.json``, twelve digits each, where <cache> is $CARPAL_CACHE or
~/.cache/carpal; so that a home that several machines share holds one for each. A profile at a path of one's own
travels with a deployment, and is refused on another machine or for another package than it was measured on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from carpal.cache import default_cache
from carpal.document import Document
from carpal.engines.errors import ProfileInvalidError, ProfileMismatchError
from carpal.machine import Machine
from carpal.records.record import Digest, Probability

Count = Annotated[int, Field(gt=0)]
Milliseconds = Annotated[float, Field(gt=0)]
_REMEDY = "Measure here: carpal tune --model {model}."


class Setting(Document):
    """How to open an engine, in the words of ``carpal.engines.opening.open_engine``."""

    engine: Literal["onnxruntime", "openvino"]
    precision: Literal["float32", "float16", "bfloat16", "int8"]
    threads: Count = Field(description="inside one call")
    streams: Count = Field(description="calls at the same time")


class Timing(Setting):
    """A setting and what was measured with it; batch of one image, the network alone, all streams busy."""

    latency_ms: Milliseconds = Field(description="median of a call")
    latency_p95_ms: Milliseconds = Field(description="95th percentile of a call")
    images_per_s: Annotated[float, Field(gt=0)] = Field(description="over all streams")
    calls: Count = Field(description="that were timed, after a warm-up")
    map50_95: Probability | None = Field(description="of the variant, as its manifest says")
    gate: Literal["99%", "95%"] | None = Field(description="that the variant passed; null for the float reference")

    @property
    def setting(self) -> Setting:
        """The setting alone."""
        return Setting(engine=self.engine, precision=self.precision, threads=self.threads, streams=self.streams)


class Profile(Document):
    """profile.json; closed."""

    schema_: Literal["carpal.profile/v1"] = Field(default="carpal.profile/v1", alias="schema")
    model: str = Field(description="name:version of the package")
    model_digest: Digest
    machine: Machine
    libraries: dict[str, str] = Field(description="versions that computed")
    accept: Literal["99%", "95%"] = Field(description="the weakest gate that a variant may have passed to be chosen")
    latency: Setting = Field(description="the quickest answer to one image on an idle machine")
    throughput: Setting = Field(description="the most images in a second")
    timings: Annotated[tuple[Timing, ...], Field(min_length=1)]
    seconds: float = Field(ge=0, description="that measuring took")
    created: str = Field(description="RFC 3339 time, UTC")
    command: str = Field(description="what measures again")

    def check(self, model_digest: str, machine: Machine) -> None:
        """Refuse a profile of something else.

        Raises:
            ProfileMismatchError: it was measured with another package, or on another kind of machine.
        """
        for what, found, wanted in (
            ("package", self.model_digest, model_digest),
            ("machine", _words(self.machine), _words(machine)),
        ):
            if found != wanted:
                raise ProfileMismatchError(
                    f"the profile was measured with another {what}: {found}",
                    f"Here it is {wanted}; what is quickest there need not be here.",
                    _REMEDY.format(model=self.model),
                )


def default_place(model_digest: str, machine: Machine, cache: Path | None = None) -> Path:
    """Where the profile of a package on a kind of machine is kept."""
    package = model_digest.removeprefix("sha256:")[:12]
    return (cache or default_cache()) / "profiles" / f"{package}-{machine.key}.json"


def read_profile(path: Path) -> Profile:
    """Read one.

    Raises:
        ProfileInvalidError: it is not there, or breaks its schema.
    """
    try:
        body = path.read_bytes()
    except OSError as failure:
        raise ProfileInvalidError(
            f"{path} cannot be read: {failure.strerror}",
            "A profile is what carpal tune wrote.",
            _REMEDY.format(model="NAME"),
        ) from failure
    return Profile.parse_json(body, source=path, error=ProfileInvalidError)


def find_profile(
    model_digest: str, machine: Machine, path: Path | None = None, *, cache: Path | None = None
) -> Profile | None:
    """The profile of a package on this machine: at a path where one is given, else in the cache.

    Args:
        model_digest: of the opened package.
        machine: the one at hand, ``carpal.machine.this_machine()``.
        path: of a profile that must then be there and fit.
        cache: $CARPAL_CACHE or ~/.cache/carpal by default.

    Returns:
        None where no path was given and nothing was measured yet.

    Raises:
        ProfileInvalidError: it cannot be read, or breaks its schema.
        ProfileMismatchError: it is of another package or machine.
    """
    place = path or default_place(model_digest, machine, cache)
    if path is None and not place.is_file():
        return None
    profile = read_profile(place)
    profile.check(model_digest, machine)
    return profile


def _words(machine: Machine) -> str:
    return f"{machine.processor}, {machine.cores} cores, {machine.system}"
