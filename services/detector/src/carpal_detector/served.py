"""From a reference to a warm model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from carpal.detection.detector import Detector
from carpal.engines.engine import Engine, EngineInfo
from carpal.engines.opening import measured_on, open_engine
from carpal.packages.manifest import Variant
from carpal.packages.package import Package
from carpal.packages.reference import resolve
from carpal_detector.batching import BatchingEngine, CountedEngine, TurnsEngine
from carpal_detector.idle_cores import IdleCoresEngine
from carpal_detector.logs import Logger
from carpal_detector.remote import open_remote
from carpal_detector.settings import Settings
from carpal_detector.tuning import Opening, opening

# Model, images, seconds of one call of its engine.
Told = Callable[[str, int, float], None]


@dataclass(frozen=True)
class Served:
    """A warm detector and its name in the routes.

    Attributes:
        name: in the routes.
        detector: looks at images; safe to use from several threads.
        batch: most images in one call of its engine.
        streams: images at work at once that keep it busy.
    """

    name: str
    detector: Detector
    batch: int = 1
    streams: int = 1

    @property
    def version(self) -> str:
        """The package's version."""
        return self.detector.manifest.version


def load(settings: Settings, reference: str, told: Told, logger: Logger) -> Served:
    """Resolve, verify, open and warm up one model.

    Args:
        settings: of the process.
        reference: which package.
        told: hears of every call of the engine.
        logger: hears what could be better.

    Raises:
        CarpalError: of the package, the repository or the engine, whatever is wrong.
    """
    package = resolve(reference, settings.repository, public_key=settings.require_signature)
    return warm(settings, package, told, logger)


def warm(settings: Settings, package: Package, told: Told, logger: Logger) -> Served:
    """Open and warm up a package that was verified.

    Raises:
        CarpalError: the engine does not load or run.
    """
    name = settings.model_name or package.manifest.name
    how = opening(settings, package, logger)
    variant = package.variant(how.precision, measured_on(how.engine))
    bare = _opened(settings, how, package, variant, name, logger)
    batch = settings.batch or worthwhile_batch(bare)
    engine: Engine = CountedEngine(bare, lambda images, seconds: told(name, images, seconds))
    streams = keeping_busy(bare, how.streams, batch, elsewhere=settings.isolate)
    if streams > how.streams and batch == 1:
        engine = TurnsEngine(engine, how.streams)
    if batch > 1:
        engine = BatchingEngine(engine, most=batch, wait_s=settings.batch_wait_ms / 1e3)
    detector = Detector(package, engine, variant)
    try:
        detector.warm_up()
    except BaseException:
        detector.close()
        raise
    return Served(name, detector, batch, (batch > 1 and settings.streams) or streams)


def keeping_busy(engine: Engine, calls: int, batch: int, *, elsewhere: bool) -> int:
    """Images at work at once that leave an engine no time to wait for one.

    Args:
        engine: whatever runs.
        calls: that it takes at the same time.
        batch: most images in one of them.
        elsewhere: files are read in other processes.
    """
    if batch > 1:
        return 2 * batch  # one batch at work and one gathering
    # Cores that compute idle while an image is handed to a process that reads it and back; one more fills that.
    return calls + 1 if elsewhere and engine.describe().device == "cpu" else calls


def worthwhile_batch(engine: Engine) -> int:
    """How many images pay in one call: on a CPU one, because that keeps its cores busy already; to another server one,
    because it gathers batches from all its callers."""
    info = engine.describe()
    return 1 if info.device in ("cpu", "remote") else min(info.max_batch, 8)


def _opened(settings: Settings, how: Opening, package: Package, variant: Variant, name: str, logger: Logger) -> Engine:
    if how.engine.startswith("remote:"):
        return open_remote(how.engine, package.manifest, model=name, longest_s=settings.remote_timeout_s, logger=logger)
    engine = open_engine(how.engine, package, variant, threads=how.threads, streams=how.streams)
    info = engine.describe()
    if info.unusable:
        logger.warning("provider not usable", unusable=info.unusable, instead=info.provider, device=info.device)
    if not has_idle_cores(settings, how, info):
        return engine
    whole = open_engine(how.engine, package, variant, threads=how.threads * how.streams, streams=1)
    return IdleCoresEngine(engine, whole)


def has_idle_cores(settings: Settings, how: Opening, info: EngineInfo) -> bool:
    """Whether a single image leaves cores idle that a second session can use.

    Not with several worker processes, because none knows whether the others compute. Not for OpenVINO, whose second
    session needs too much memory (docs/explanation/serving-speed.md).
    """
    alone = settings.workers == 1 and (settings.batch or 1) == 1
    return settings.idle_cores and alone and how.streams > 1 and (info.name, info.device) == ("onnxruntime", "cpu")
