"""Coverage-guided fuzzing of the readers by atheris (libFuzzer): ``fuzz_readers.py [SECONDS] [FOLDER] [SEED]``.

Every input gives a radiograph or an ImageError; anything else, a decoder that crashes, more than 1 GiB or 10 s for one
input ends the run with a traceback and leaves the input in FOLDER. It starts from small real files and one of each
format. With a SEED two runs draw the same mutations, which a test needs; without one each run looks elsewhere.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from io import BytesIO
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["carpal.imaging", "carpal.records.record", "pydicom"]):
    from carpal.imaging import dicom as _dicom
    from carpal.imaging.readers import read

import cv2
import numpy as np
from PIL import Image
from pydicom.data import get_testdata_file

from carpal.errors import ImageError
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions

SMALL = Limits(max_bytes=2**18, max_pixels=2**18, max_frames=64, free_bytes=2**20)
ANY = ReadOptions(accept_any_modality=True, accept_processing=True)
SEEDS = (
    "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm", "MR_small_padded.dcm",
    "SC_rgb_small_odd_jpeg.dcm", "SC_rgb_small_odd_big_endian.dcm", "JPEGLSNearLossless_08.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "ExplVR_LitEndNoMeta.dcm", "badVR.dcm", "rtplan_truncated.dcm", "nested_priv_SQ.dcm", "SC_rgb_rle_2frame.dcm",
)  # fmt: skip
# Of this process alone: the peak that libFuzzer asks for is handed on from the process that started this one.
STATUS = Path("/proc/self/status")
MOST_KB = 2**20
HTJ2K = Path(__file__).parent.parent / "data/imaging/htj2k_lossless.dcm"


def one(data: bytes) -> None:
    """What must never raise anything else."""
    try:
        radiograph = read(data, limits=SMALL, options=ANY)
    except ImageError:
        return
    finally:
        assert peak_kb() < MOST_KB
    assert radiograph.pixels.shape == (radiograph.source.height_px, radiograph.source.width_px)
    assert radiograph.pixels.dtype in (np.uint8, np.uint16)


def peak_kb() -> int:
    """The most memory that this process has held so far."""
    return int(STATUS.read_text().split("VmHWM:")[1].split()[0])


def write_seeds(folder: Path) -> None:
    """One file of each format, and pydicom's smallest of each transfer syntax."""
    ramp = np.arange(24 * 20, dtype=np.uint16).reshape(20, 24)
    for name, pixels in {
        "deep.png": ramp * 130,
        "flat.png": ramp.astype(np.uint8),
        "plain.jpg": ramp.astype(np.uint8),
    }.items():
        (folder / name).write_bytes(cv2.imencode(name[-4:], pixels)[1].tobytes())
    for name, options in {
        "plain.tif": {},
        "lzw.tif": {"compression": "tiff_lzw"},
        "big.tif": {"big_tiff": True},
        "pages.tif": {"save_all": True, "append_images": [Image.fromarray(ramp)]},
        "plain.bmp": {},
        "palette.png": {},
    }.items():
        stream = BytesIO()
        image = Image.fromarray(ramp if name.endswith("tif") else ramp.astype(np.uint8))
        image = image.convert("P") if name.startswith("palette") else image
        image.save(stream, {"tif": "TIFF", "bmp": "BMP", "png": "PNG"}[name[-3:]], **options)
        (folder / name).write_bytes(stream.getvalue())
    for path in [HTJ2K, *(get_testdata_file(name, download=False) for name in SEEDS)]:
        if path is not None:
            (folder / Path(path).name).write_bytes(Path(path).read_bytes())


def main() -> None:
    """Fuzz for as long as was asked, 20 s by default."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "20"
    warnings.simplefilter("ignore")
    assert _dicom  # imported under instrumentation, so that pydicom is instrumented too
    with tempfile.TemporaryDirectory() as folder:
        findings = Path(sys.argv[2] if len(sys.argv) > 2 else folder)
        seeds, found = Path(folder, "seeds"), Path(folder, "found")
        seeds.mkdir()
        found.mkdir()
        write_seeds(seeds)
        options = [
            f"-max_total_time={seconds}", "-max_len=65536", "-timeout=10", "-rss_limit_mb=0",
            f"-artifact_prefix={findings}/", "-print_final_stats=1", f"-seed={sys.argv[3] if len(sys.argv) > 3 else 0}",
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(found), str(seeds)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
