"""From the name of an engine to the engine."""

from __future__ import annotations

from carpal.engines.emulated import EmulatedEngine
from carpal.engines.engine import Engine
from carpal.engines.errors import DeviceMissingError, EngineMissingError, EngineUnknownError
from carpal.packages.manifest import Variant
from carpal.packages.package import Package

# Engines that compute with no file of the package.
ELSEWHERE = ("emulated", "remote")
ON_GPU = "onnxruntime:cuda"
LONGEST_DELAY_MS = 600_000.0


def open_engine(
    spec: str,
    package: Package,
    variant: Variant | None = None,
    *,
    threads: int | None = None,
    streams: int | None = None,
) -> Engine:
    """Load a variant of a package.

    Args:
        spec: "onnxruntime", "openvino"; "onnxruntime:cuda" for a GPU and nothing else; "remote:http://host:port/model"
            for a network on another server; or "emulated:<ms>" to sleep that long for an image instead of computing,
            "emulated:<ms>+<ms>" for each call and for each image in it.
        package: an opened package.
        variant: by default the one that ``Package.variant`` gives for this engine.
        threads: threads inside one call; None for one a physical core, 1 for one stream a calling thread.
        streams: calls that are going to run at the same time, where the engine must know; as many as the cores allow
            by default.

    Raises:
        EngineUnknownError: no such engine, or no sensible time to sleep.
        EngineMissingError: openvino is not installed, or the other server is asked for by gRPC.
        DeviceMissingError: a GPU is asked for, and the engine would compute on the CPU.
        EngineError: the file does not load.
        PackageError: the network contradicts the manifest.
    """
    name, _, argument = spec.partition(":")
    variant = variant or package.variant(engine=measured_on(spec))
    if name == "emulated":
        call, plus, image = argument.rpartition("+")
        call_ms = _delay_ms(spec, call) if plus else 0.0
        return EmulatedEngine(package.manifest, _delay_ms(spec, image), call_ms=call_ms, precision=variant.precision)
    if spec in ("onnxruntime", ON_GPU):
        from carpal.engines.onnx import OnnxEngine  # 0.2 s and 100 MB that the emulated engine never needs

        engine = OnnxEngine(package.file(variant), package.manifest, variant, threads=threads)
        return on_gpu(engine) if spec == ON_GPU else engine
    if spec == "openvino":
        return _openvino(package, variant, threads, streams)
    if name == "remote":
        return _remote(spec, package)
    raise _unknown(spec)


def measured_on(spec: str) -> str | None:
    """The engine whose variants of a package a spec computes; None for one that needs no file of the package."""
    name = spec.partition(":")[0]
    return None if name in ELSEWHERE else name


def on_gpu(engine: Engine) -> Engine:
    """The same engine. Raises DeviceMissingError, and closes it, where it does not compute on a GPU."""
    info = engine.describe()
    if info.device.startswith("cuda"):
        return engine
    engine.close()
    raise DeviceMissingError(
        f"{info.name} {info.version} would compute on the device {info.device!r}, not on a GPU",
        f"{' and '.join(info.unusable)}: no driver, no device, or a library of CUDA is not there."
        if info.unusable
        else "The installed ONNX Runtime has no provider for GPUs.",
        "Give it a GPU and the image carpal-detector-gpu; or take --engine onnxruntime, which computes on the CPU too.",
    )


def _remote(spec: str, package: Package) -> Engine:
    from carpal.engines.remote import LONGEST_CALL_S, Address, RemoteEngine
    from carpal.engines.remote_rest import RestExchange  # 0.05 s that other engines never need

    address = Address.parse(spec, package.manifest.name)
    if address.scheme.startswith("grpc"):
        raise EngineMissingError(
            f"the engine {spec!r} needs gRPC, which carpal itself does not have",
            "`carpal serve` has it.",
            "Use the same server's REST port: --engine remote:http://HOST:PORT.",
        )
    return RemoteEngine(RestExchange(address, longest_s=LONGEST_CALL_S), package.manifest)


def _openvino(package: Package, variant: Variant, threads: int | None, streams: int | None) -> Engine:
    try:
        from carpal.engines.openvino import OpenVinoEngine  # an extra, and 0.1 s that other engines never need
    except ImportError as failure:
        raise EngineMissingError(
            f"the engine 'openvino' needs a library that does not load: {failure}",
            "It is an extra, because packages run without it too.",
            "Install it with: pip install 'carpal[openvino]'; or use --engine onnxruntime.",
        ) from failure
    return OpenVinoEngine(package.file(variant), package.manifest, variant, threads=threads, streams=streams)


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
        "An engine is 'onnxruntime', 'onnxruntime:cuda', 'openvino', 'remote:<address>' or 'emulated:<ms>', "
        "0 to 600000 ms an image.",
        "Use --engine onnxruntime, or --engine emulated:50 to measure everything but the model.",
    )
