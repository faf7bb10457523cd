"""Reading in worker processes: the same answer, and an end for what hangs, crashes or grows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import orjson
import pytest
from tests.unit.carpal.imaging.samples import sample

from carpal.imaging import isolation
from carpal.imaging.arena import KEPT_BYTES
from carpal.imaging.errors import (
    DecoderCrashedError,
    DecoderMemoryError,
    DecoderTimeoutError,
    DecoderUnavailableError,
    EmptyImageError,
    ImageMissingError,
    MislabelledError,
    TooLargeError,
    TruncatedImageError,
)
from carpal.imaging.isolation import IsolatedReader
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import read

Maker = Callable[..., bytes]
UNIFORM = Limits(free_bytes=2**30)


@pytest.fixture(scope="module")
def reader() -> Iterator[IsolatedReader]:
    with IsolatedReader() as opened:
        yield opened


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], IsolatedReader]:
    """A reader whose worker is a few lines of Python with ``channel`` and ``arena`` at hand."""

    def make(lines: str, timeout_s: float = 20.0) -> IsolatedReader:
        program = tmp_path / "worker.py"
        program.write_text(
            "import os, socket, sys, time, signal\n"
            "channel, arena = socket.socket(fileno=int(sys.argv[-2])), int(sys.argv[-1])\n"
            "channel.recv(2**17)\n" + lines
        )
        monkeypatch.setattr(isolation, "WORKER", (str(program),))
        return IsolatedReader(timeout_s=timeout_s)

    return make


ANSWER = "channel.send(b'{}'); message, files, *_ = socket.recv_fds(channel, 2**17, 1)\n"


def test_bytes_give_what_reading_here_gives(reader: IsolatedReader, grey_png: Maker, dicom_file: Maker):
    for body in (grey_png(), grey_png(bits=8), dicom_file()):
        here, there = read(body, name="wrist"), reader.read(body, name="wrist")
        assert (there.pixels == here.pixels).all()
        assert there.pixels.dtype == here.pixels.dtype
        assert there.source == here.source


def test_a_path_gives_what_reading_here_gives(reader: IsolatedReader, tmp_path: Path, grey_png: Maker):
    path = tmp_path / "0001_1297860395_01_WRI-R2_M014.png"
    path.write_bytes(grey_png())
    assert reader.read(path).source == read(path).source
    assert reader.read(str(path), name="other").source.name == "other"


def test_pixels_of_one_file_are_untouched_by_the_next(reader: IsolatedReader, grey_png: Maker):
    first = reader.read(grey_png(seed=1))
    kept = first.pixels.copy()
    reader.read(grey_png(seed=2))
    assert (first.pixels == kept).all()


def test_errors_arrive_as_they_were_raised(reader: IsolatedReader, tmp_path: Path, grey_png: Maker):
    with pytest.raises(TruncatedImageError) as caught:
        reader.read(grey_png()[:-20])
    with pytest.raises(TruncatedImageError) as here:
        read(grey_png()[:-20])
    assert caught.value.as_dict() == here.value.as_dict()
    with pytest.raises(MislabelledError):
        reader.read(grey_png(), media_type="image/jpeg")
    with pytest.raises(EmptyImageError):
        reader.read(b"")
    with pytest.raises(ImageMissingError, match="nowhere"):
        reader.read(tmp_path / "nowhere.png")
    with pytest.raises(ImageMissingError, match="is no file"):
        reader.read(tmp_path)


def test_a_pipe_does_not_hold_the_reader(reader: IsolatedReader, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageMissingError, match="is no file"):
        reader.read(tmp_path / "pipe.png")


def test_a_name_that_is_no_text_is_made_one(reader: IsolatedReader, tmp_path: Path, grey_png: Maker):
    path = tmp_path / os.fsdecode(b"wri\xffst.png")
    path.write_bytes(grey_png())
    assert reader.read(path).source.name == "wri?st"


def test_limits_options_and_salt_hold_in_the_worker(dicom_file: Maker, grey_png: Maker):
    salt = b"sixteen bytes or more"
    with IsolatedReader(
        limits=Limits(max_pixels=5000), patient_salt=salt, options=ReadOptions(accept_any_modality=True)
    ) as strict:
        with pytest.raises(TooLargeError):
            strict.read(grey_png(100, 100))
        assert strict.read(dicom_file()).source.patient_key == read(dicom_file(), patient_salt=salt).source.patient_key
        assert strict.read(sample("MR_small.dcm")).source.modality == "MR"


def test_a_file_that_needs_too_much_memory_is_refused_and_the_next_is_read(grey_png: Maker):
    with IsolatedReader(memory_bytes=2**26, limits=UNIFORM) as small:
        with pytest.raises(DecoderMemoryError, match="too much memory"):
            small.read(_wide_png())
        assert small.read(grey_png()).width == 80


def _wide_png() -> bytes:
    """80 MB when decoded, 0.4 MB as a file."""
    row = np.random.default_rng(0).integers(0, 65536, (1, 8000), dtype=np.uint16)
    return cv2.imencode(".png", np.repeat(row, 5000, axis=0), [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def test_a_large_image_does_not_stay_in_the_arena():
    with IsolatedReader(limits=UNIFORM) as large:
        assert large.read(_wide_png()).pixels.shape == (5000, 8000)
        (worker,) = large._idle.queue
        assert worker is not None
        assert os.fstat(worker._arena.file).st_blocks * 512 <= KEPT_BYTES


def test_several_threads_share_the_workers(grey_png: Maker):
    bodies = [grey_png(seed=seed) for seed in range(8)]
    with IsolatedReader(workers=2) as two, ThreadPoolExecutor(4) as pool:
        two.warm_up()
        got = list(pool.map(lambda body: two.read(body).pixels, bodies))
    assert all((pixels == read(body).pixels).all() for pixels, body in zip(got, bodies, strict=True))


def test_a_worker_that_was_killed_in_between_is_replaced(grey_png: Maker):
    with IsolatedReader() as mortal:
        mortal.warm_up()
        (worker,) = mortal._idle.queue
        assert worker is not None
        assert mortal.processes == [worker.pid]
        worker._process.kill()
        worker._process.wait()
        assert mortal.read(grey_png()).width == 80


def test_a_decoder_that_hangs_is_ended(stand_in: Callable[..., IsolatedReader], grey_png: Maker):
    with stand_in(ANSWER + "time.sleep(600)\n", timeout_s=0.2) as hanging:
        start = time.monotonic()
        with pytest.raises(DecoderTimeoutError, match=r"more than 0\.2 s"):
            hanging.read(grey_png())
        assert time.monotonic() - start < 30


def test_a_decoder_that_crashes_is_named_by_its_signal(stand_in: Callable[..., IsolatedReader], grey_png: Maker):
    with (
        stand_in(ANSWER + "os.kill(os.getpid(), signal.SIGSEGV)\n") as crashing,
        pytest.raises(DecoderCrashedError, match="SIGSEGV"),
    ):
        crashing.read(grey_png())


@pytest.mark.parametrize(
    "answer",
    [
        b"no json",
        b"[]",
        b"{}",
        orjson.dumps({"source": "{}", "dtype": "object", "shape": [1, 1]}),
        orjson.dumps({"source": "{}", "dtype": "uint8", "shape": [2, 2]}),
        orjson.dumps({"source": "{}", "dtype": "uint16", "shape": [10**6, 10**6]}),
        orjson.dumps({"source": "{}", "dtype": "uint8", "shape": [1]}),
        orjson.dumps({"error": {"code": "image.damaged"}}),
    ],
)
def test_an_answer_that_cannot_be_is_not_believed(
    stand_in: Callable[..., IsolatedReader], grey_png: Maker, answer: bytes
):
    with stand_in(ANSWER + f"channel.send({answer!r}); time.sleep(600)\n") as lying:
        with pytest.raises((DecoderCrashedError, TooLargeError)):
            lying.read(grey_png())
        assert lying._idle.queue == [None] or b"10000" in answer


def test_a_worker_that_does_not_start_is_said(stand_in: Callable[..., IsolatedReader], grey_png: Maker):
    with stand_in("sys.exit(3)\n") as absent:
        with pytest.raises(DecoderUnavailableError, match="exit code 3"):
            absent.read(grey_png())
        with pytest.raises(DecoderUnavailableError):
            absent.warm_up()


def test_a_machine_without_memory_files_says_so(monkeypatch: pytest.MonkeyPatch, grey_png: Maker):
    monkeypatch.delattr(os, "memfd_create")
    with IsolatedReader() as elsewhere, pytest.raises(DecoderUnavailableError, match="no memory files"):
        elsewhere.read(grey_png())


def test_closing_ends_every_process_and_waits_for_files_in_hand(grey_png: Maker):
    reader = IsolatedReader(workers=1)
    reader.warm_up()
    (worker,) = reader._idle.queue
    assert worker is not None
    pid = worker._process.pid
    thread = threading.Thread(target=lambda: reader.read(grey_png()))
    thread.start()
    reader.close()
    thread.join()
    reader.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


def test_the_worker_imports_no_engine_and_no_service():
    """It starts the faster, and has the less for a broken decoder to reach."""
    program = "import sys, carpal.imaging.worker; print(*{name.partition('.')[0] for name in sys.modules})"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"onnxruntime", "boto3", "typer", "httpx", "matplotlib", "highdicom"}.isdisjoint(found)
