"""HL7's FHIR validator: ``python -m tools.fhir_validator`` puts it into the cache, ``validate`` runs it offline.

Maven resolves pom.xml; the version is pinned in infra/versions.env and each jar by its SHA-256 in jars.sha256
(``python -m tools.fhir_validator lock`` writes that file again after a change of the version).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.cluster.cache import cache_folder, ensured
from infra.cluster.versions import read_versions

HERE = Path(__file__).resolve().parent
POM, LOCK, PROGRAM = HERE / "pom.xml", HERE / "jars.sha256", HERE / "Validate.java"
JVM = ("-Xmx3g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""A short run on two cores: measured 6 s instead of 9 for three bundles of R4."""
FIELDS = 5

Resolve = Callable[[Path], None]


class FetchError(Exception):
    """Maven or a compiler is missing, or what Maven serves is not what is pinned."""


@dataclass(frozen=True)
class Message:
    """What the validator reports of a document.

    Attributes:
        document: its name.
        severity: ``fatal``, ``error``, ``warning`` or ``information``.
        code: which check it is of.
        location: FHIRPath of the element.
        text: in words.
    """

    document: str
    severity: str
    code: str
    location: str
    text: str


def program_folder(cache: Path | None = None) -> Path:
    """Where the jars and the compiled program are, fetched or not yet; what decides the content is in the name."""
    decides = hashlib.sha256(b"".join(file.read_bytes() for file in (POM, LOCK, PROGRAM))).hexdigest()[:16]
    return (cache or cache_folder()) / "readers" / f"fhir-validator-{_version()}-{decides}"


def fetch(resolve: Resolve, compile_program: Resolve, cache: Path | None = None) -> Path:
    """Have the validator in the cache; nothing is done if it is there.

    Args:
        resolve: puts the jars of pom.xml into a folder.
        compile_program: compiles Validate.java beside the jars in a folder.
        cache: the folder of the cache, by default that of ``infra.cluster.cache``.

    Raises:
        FetchError: a jar is missing, unknown or not the pinned one.
    """

    def fill(folder: Path) -> None:
        resolve(folder)
        if (found := lock_of(folder)) != LOCK.read_text(encoding="utf-8"):
            different = set(LOCK.read_text(encoding="utf-8").splitlines()) ^ set(found.splitlines())
            raise FetchError(f"these jars are not as jars.sha256 pins them: {', '.join(sorted(different))}")
        compile_program(folder)

    place = program_folder(cache)
    ensured(place, fill)
    return place


def lock_of(folder: Path) -> str:
    """The jars of a folder with their digests, as jars.sha256 has them."""
    jars = sorted(folder.glob("*.jar"))
    return "".join(f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in jars)


def maven(folder: Path) -> None:
    """Copy the jars of pom.xml and of what they need into a folder."""
    version = f"-Dhapi.fhir.version={_version()}"
    _run(["mvn", "-q", "-B", "-f", str(POM), version, "dependency:copy-dependencies", f"-DoutputDirectory={folder}"])


def javac(folder: Path) -> None:
    """Compile the program."""
    _run(["javac", "-cp", f"{folder}/*", "-d", str(folder), str(PROGRAM)])


def validate(release: str, terminology: bytes, documents: Mapping[str, bytes], program: Path) -> list[Message]:
    """Hold documents to the specification.

    Args:
        release: ``r4`` or ``r5``.
        terminology: a bundle of CodeSystems and ValueSets that the documents use.
        documents: name to JSON; names are file names.
        program: of ``program_folder``.
    """
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "terminology.json"
        known.write_bytes(terminology)
        files = []
        for name, body in documents.items():
            files.append(Path(folder) / f"{name}.json")
            files[-1].write_bytes(body)
        command = ["java", *JVM, "-cp", f"{program}/*:{program}", "Validate", release, str(known), *map(str, files)]
        return list(read_messages(_run(command).splitlines()))


def read_messages(lines: Iterable[str]) -> Iterable[Message]:
    """The lines that the program prints."""
    for line in lines:
        file, severity, code, location, text = line.split("\t", FIELDS - 1)
        yield Message(Path(file).stem, severity, code, location, text)


def _version() -> str:
    return read_versions()["HAPI_FHIR_VERSION"]


def _run(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        raise FetchError(f"there is no {command[0]} on the PATH (Debian: maven, default-jdk-headless)")
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise FetchError(f"{command[0]} failed: {(done.stdout + done.stderr).strip()[-600:]}")
    return done.stdout
