"""Coverage-guided fuzzing of the writers by atheris (libFuzzer): ``fuzz_writers.py [SECONDS] [FOLDER] [SEED]``.

An input is the header of a DICOM object and, behind it, what a record says: labels, boxes, numbers, names, review. Each
format is written of it. A CarpalError is an answer; anything else, a report that does not read back, more than 1 GiB or
10 s for one input ends the run with a traceback and leaves the input in FOLDER. With a SEED two runs draw the same
mutations, which a test needs; without one each run looks elsewhere.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import time
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["carpal.records", "carpal.imaging.dicom_source"]):
    from carpal.imaging.dicom_source import source_of
    from carpal.records.writers.formats import FORMATS
    from carpal.records.writers.writer import Converted

    for _one in FORMATS.values():
        _one.load()

import numpy as np
import orjson
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from carpal.errors import CarpalError
from carpal.imaging.dicom_pixels import Frame
from carpal.imaging.radiograph import Radiograph
from carpal.records.record import Record, Source

STATUS = Path("/proc/self/status")
MOST_KB, MOST_S = 2**20, 10.0
DIGEST = "sha256:" + 64 * "a"
PIXELS = np.arange(24 * 20, dtype=np.uint16).reshape(20, 24) * 130


class Writers:
    """Everything that ``convert --to`` offers, in one folder.

    Args:
        folder: for the file that the header comes from, and for what collects.
    """

    def __init__(self, folder: Path) -> None:
        self._header = folder / "header.dcm"
        for one in FORMATS.values():
            (folder / one.folder).mkdir(parents=True, exist_ok=True)
        self._collectors = [one.collect(folder) for one in FORMATS.values() if one.collect]
        for collector in self._collectors:
            collector.open()

    def write(self, data: bytes) -> None:
        """What must never raise anything else."""
        drawn = atheris.FuzzedDataProvider(data)
        header = drawn.ConsumeBytes(drawn.ConsumeIntInRange(0, 2**13))
        record = Record.parse(said(drawn, source(header)), source="fuzz")
        self._header.write_bytes(header)
        one = Converted(self._header, f"name{len(data) % 7}", record, Radiograph(PIXELS, record.source))
        for form in FORMATS.values():
            if form.render is not None:
                for place, body in form.render(one).items():
                    check(place, body)
        for collector in self._collectors:
            collector.add(one)

    def __call__(self, data: bytes) -> None:
        """Judge one input; its time is CPU time, because other processes may hold it up."""
        begun = time.process_time()
        try:
            self.write(data)
        except CarpalError:
            return
        finally:
            assert time.process_time() - begun < MOST_S, "more than 10 s"
            assert int(STATUS.read_text().split("VmHWM:")[1].split()[0]) < MOST_KB, "more than 1 GiB"


def source(header: bytes) -> Source:
    """As reading the file would give it; of an image without DICOM identity where there is no header to read."""
    try:
        ds = pydicom.dcmread(BytesIO(header), force=True, stop_before_pixels=True)
        frame = Frame(PIXELS, 16, "none", "MONOCHROME2", 1)
        return source_of(ds, ExplicitVRLittleEndian, frame, 1, digest=DIGEST, name="fuzz", salt=b"sixteen bytes ok")
    except Exception:  # of pydicom's, which reading turns into a DamagedImageError: there is no record to write
        return Source(digest=DIGEST, media_type="image/png", width_px=24, height_px=20, bits=16)


def said(drawn: Any, given: Source) -> dict[str, Any]:
    """A record as plain data."""

    def text() -> str:
        return str(drawn.ConsumeUnicodeNoSurrogates(drawn.ConsumeIntInRange(0, 40)))

    def word(known: str) -> str:
        """Seldom a new one: what a model or a label is called decides over much that is made once for it."""
        return text() if drawn.ConsumeIntInRange(0, 15) == 15 else known

    def share() -> float:
        return float(drawn.ConsumeProbability())

    def edge() -> float:
        return float(drawn.ConsumeFloatInRange(-1e6, 1e6)) if drawn.ConsumeBool() else share() * 24

    labels = [word(known) for known in ("fracture", "text", "sehr neu")[: drawn.ConsumeIntInRange(0, 3)]]
    findings = [
        {
            "label": labels[drawn.ConsumeIntInRange(0, len(labels) - 1)],
            "box": {"x0": edge(), "y0": edge(), "x1": edge(), "y1": edge()},
            "size_mm": {"width": share() * 9, "height": share() * 9} if drawn.ConsumeBool() else None,
            "probability": share(),
            "calibrated_probability": share() if drawn.ConsumeBool() else None,
            "status": "confirmed" if drawn.ConsumeBool() else "possible",
        }
        for _ in range(drawn.ConsumeIntInRange(0, 5) if labels else 0)
    ]
    states = ("unreviewed", "confirmed", "corrected", "rejected")
    state = states[drawn.ConsumeIntInRange(0, 3)]
    event = {"at": text() if drawn.ConsumeBool() else "2026-11-26T10:00:00Z", "by": text(), "comment": text()}
    history = [] if state == "unreviewed" else [{**event, "action": state}]
    model = {name: word(name) for name in ("name", "version", "variant", "engine", "engine_version", "precision")}
    return {
        "id": "12345678-1234-5678-1234-567812345678",
        "source": {**given.model_dump(mode="json"), "name": text() if drawn.ConsumeBool() else None},
        "quality": {"sharpness": share(), "noise": share(), "clipped_share": 0, "padded_share": 0, "exposure": share()},
        "findings": findings,
        "conclusions": [
            {"label": label, "status": "possible", "probability": share(), "threshold": None}
            for label in dict.fromkeys(labels)
        ],
        "model": {**model, "digest": DIGEST, "emulated": drawn.ConsumeBool()},
        "preprocessing_digest": DIGEST,
        "timings": {"infer_ms": share()},
        "review": {"state": state, "history": history},
    }


def check(place: str, body: bytes) -> None:
    """What was written reads back."""
    if place.endswith(".dcm"):
        assert pydicom.dcmread(BytesIO(body)).SOPInstanceUID, place
    if place.endswith(".json"):
        assert orjson.loads(body)["resourceType"] == "Bundle", place


def write_seeds(folder: Path) -> None:
    """A header as an archive gives it, one without preamble, and none; with different things said behind them."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID, ds.PatientSex, ds.PatientBirthDate = "Müller^Änne", "4711", "F", "20100101"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20240305", "101112", "1", "A1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = "1.2.3", "1.2.3.4", "1.2.3.4.5"
    ds.SOPClassUID, ds.Modality, ds.InstanceNumber = "1.2.840.10008.5.1.4.1.1.1", "CR", 3
    ds.ImagerPixelSpacing, ds.ImageLaterality, ds.ViewPosition = [0.1, 0.1], "R", "AP"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "X", "99L", "Handgelenk"
    ds.ProcedureCodeSequence = [code]
    stream = BytesIO()
    pydicom.dcmwrite(stream, ds, implicit_vr=False, little_endian=True)
    body = stream.getvalue()
    for number in range(24):
        # Numbers are drawn from the end backwards: first how long the header is.
        tail = bytes((number * 37 + place * 11) % 256 for place in range(200 + 20 * number))
        header = (body, b"", body[: number * 20])[number % 3]
        (folder / f"{number}").write_bytes(header + tail + len(header).to_bytes(2, "little"))


def main() -> None:
    """Fuzz for as long as was asked, 20 s by default."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "20"
    warnings.simplefilter("ignore")
    logging.disable()  # pydicom and highdicom say what they find in headers
    with tempfile.TemporaryDirectory() as folder:
        findings = Path(sys.argv[2] if len(sys.argv) > 2 else folder)
        seeds, found, out = (Path(folder, name) for name in ("seeds", "found", "out"))
        for made in (seeds, found, out):
            made.mkdir()
        write_seeds(seeds)
        options = [
            f"-max_total_time={seconds}", "-max_len=16384", "-timeout=120", "-rss_limit_mb=0",
            f"-artifact_prefix={findings}/", "-print_final_stats=1", f"-seed={sys.argv[3] if len(sys.argv) > 3 else 0}",
        ]  # fmt: skip
        writers = Writers(out)
        writers.write((seeds / "0").read_bytes())  # what libraries do only once is no fault of an input
        atheris.Setup([sys.argv[0], *options, str(found), str(seeds)], writers)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
