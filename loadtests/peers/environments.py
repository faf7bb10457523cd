"""The peers, each with its route and an environment of its own, installed in the cache from a lock with hashes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from carpal.cache import default_cache

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Peer:
    """A server.

    Attributes:
        path: of its route.
        package: what its version is of; in an environment of its own where ``own``, else in this one.
        python: the interpreter's version where it cannot be this one's; the first of that name on the path is taken.
        headers: of a request, besides its type.
        kinds: of work that it can be given.
        note: how it is set up, and why.
    """

    path: str
    package: str
    own: bool = False
    python: str = ""
    headers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("noop", "images")
    note: str = ""

    def route(self, kind: str) -> str:
        """Where a request goes; tensors go where the Open Inference Protocol has them."""
        return "/v2/models/starter/infer" if kind == "tensor" else self.path


PEERS = {
    "bare": Peer(
        "/infer",
        "starlette",
        note="one Starlette route on uvicorn; the no-op is answered on its event loop, without a thread",
    ),
    "carpal": Peer(
        "/v2/models/starter/infer",
        "carpal-detector",
        kinds=("noop", "images", "tensor"),
        note="one process; decodes there, as all others do (isolate off)",
    ),
    "tuned": Peer(
        "/v2/models/starter/infer",
        "carpal-detector",
        kinds=("images",),
        note="carpal serve as people start it, reading in processes of its own, with the profile of carpal tune",
    ),
    "kserve": Peer(
        "/v1/models/starter:predict",
        "kserve",
        note="the SDK's server, raw body, an executor of our own; the no-op is answered on its event loop",
    ),
    "adapter": Peer(
        "/v1/models/starter:predict",
        "kserve",
        kinds=("images", "tensor"),
        note="carpal-detector[kserve], the screenful for people who run the SDK's server, as it is",
    ),
    "stock": Peer(
        "/v1/models/starter:predict",
        "kserve",
        kinds=("images",),
        note="the SDK's server as its documentation shows it: predict on the event loop, ONNX Runtime on all cores",
    ),
    "litserve": Peer(
        "/predict", "litserve", own=True, note="raw body by FastAPI's Body(); a worker process for each image at work"
    ),
    "mosec": Peer(
        "/inference", "mosec", own=True, note="Rust before worker processes, one for each image at work, no batching"
    ),
    "mlserver": Peer(
        "/infer",
        "mlserver",
        own=True,
        note="custom route in its process; the no-op is answered on its event loop",
    ),
    "bentoml": Peer(
        "/infer", "bentoml", own=True, note="raw body as a file; a thread of BentoML for each image at work"
    ),
    "ray": Peer("/infer", "ray", own=True, note="Ray Serve, a replica for each image at work, no dashboard"),
    "pytriton": Peer(
        "/v2/models/starter/infer",
        "nvidia-pytriton",
        own=True,
        python="3.12",
        headers=("inference-header-content-length: 0",),
        kinds=("noop",),
        note="Triton's raw binary request; no images, because it needs numpy 1 and the pipeline numpy 2",
    ),
}


def python_of(name: str) -> str:
    """The interpreter of a peer's environment, made at the first run: the peer, the core of carpal, what they need.

    Raises:
        SystemExit: it needs another Python, which is not on the path.
    """
    peer = PEERS[name]
    if not peer.own:
        return sys.executable
    lock = lock_of(name)
    folder = default_cache() / "peers" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        base = shutil.which(f"python{peer.python}") if peer.python else sys.executable
        if base is None:
            raise SystemExit(f"{name} needs python{peer.python} on the path; leave it out with --peers")
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", base, str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
        subprocess.run([*install, "--require-hashes", "--requirements", str(lock)], check=True)
        if "images" in peer.kinds:
            subprocess.run([*install, "--no-deps", str(ROOT / "model_repo")], check=True)
        (folder / "done").touch()
    return str(python)


def lock_of(name: str) -> Path:
    """What a peer with an environment of its own is installed from."""
    return ROOT / "requirements" / f"peer-{name}.txt"


def version_of(name: str) -> str:
    """The peer's package and its version."""
    package = PEERS[name].package
    if not PEERS[name].own:
        return f"{package} {version(package)}"
    lines = lock_of(name).read_text().splitlines()
    return next(line.split()[0].replace("==", " ") for line in lines if line.startswith(f"{package}=="))
