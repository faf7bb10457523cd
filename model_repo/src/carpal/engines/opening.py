"""From the name of an engine to the engine."""

from __future__ import annotations

from carpal.engines.emulated import EmulatedEngine
from carpal.engines.engine import Engine
from carpal.engines.errors import EngineUnknownError
from carpal.packages.manifest import Variant
from carpal.packages.package import Package

LONGEST_DELAY_MS = 600_000.0


def open_engine(spec: str, package: Package, variant: Variant | None = None, *, threads: int | None = None) -> Engine:
    """Load a variant of a package.

    Args:
        spec: "onnxruntime", or "emulated:<ms>" to sleep that long for an image instead of computing.
        package: an opened package.
        variant: the float reference by default.
        threads: threads inside one call; None for one a physical core, 1 for one stream a calling thread.

    Raises:
        EngineUnknownError: no such engine, or no sensible time to sleep.
        EngineError: the file does not load.
        PackageError: the network contradicts the manifest.
    """
    variant = variant or package.variant()
    name, _, argument = spec.partition(":")
    if name == "emulated":
        return EmulatedEngine(package.manifest, _delay_ms(spec, argument), precision=variant.precision)
    if spec == "onnxruntime":
        from carpal.engines.onnx import OnnxEngine  # 0.2 s and 100 MB that the emulated engine never needs

        return OnnxEngine(package.file(variant), package.manifest, variant, threads=threads)
    raise _unknown(spec)


def _delay_ms(spec: str, argument: str) -> float:
    try:
        delay_ms = float(argument)
    except ValueError:
        raise _unknown(spec) from None
    if not 0 <= delay_ms <= LONGEST_DELAY_MS:
        raise _unknown(spec)
    return delay_ms


def _unknown(spec: str) -> EngineUnknownError:
    return EngineUnknownError(
        f"there is no engine {spec!r}",
        "An engine is 'onnxruntime', or 'emulated:<ms>' with 0 to 600000 milliseconds an image.",
        "Use --engine onnxruntime, or --engine emulated:50 to measure everything but the model.",
    )
