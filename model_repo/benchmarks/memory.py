"""How much memory reading and the default chain take, as multiples of the raw pixels.

    python model_repo/benchmarks/memory.py

A process of its own for each file: it reads another, small file of the same format first, so that libraries are loaded,
gives back what is free, sets the kernel's high-water mark back (/proc/self/clear_refs), reads the file in question and
makes the network input and the digests that a record needs. The raw pixels are rows x columns x channels x bytes of a
sample. Ends with 1 where the mark rises by more than 8 times the raw pixels. Linux only.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.data import get_testdata_file
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from carpal.imaging.preprocess import default_chain
from carpal.imaging.readers import read

BAR = 8.0
SMALL_PX, LARGE_PX = 64, 3000


def main() -> int:
    """Measure every format; 0 where the bar holds."""
    if sys.argv[1:]:
        sys.stdout.write(f"{rise_bytes(Path(sys.argv[1]), Path(sys.argv[2]))}\n")
        return 0
    over = []
    with tempfile.TemporaryDirectory() as folder:
        for name, raw_bytes in write(Path(folder)).items():
            command = [sys.executable, __file__, f"{folder}/small-{name}", f"{folder}/large-{name}"]
            rose = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            sys.stdout.write(f"{name:<24}{raw_bytes / 1e6:6.1f} MB raw, {rose / raw_bytes:5.2f} times at the peak\n")
            over += [name] if rose > BAR * raw_bytes else []
    sys.stdout.write(f"Over {BAR:g} times: {', '.join(over)}.\n" if over else f"None is over {BAR:g} times.\n")
    return 1 if over else 0


def rise_bytes(small: Path, large: Path) -> int:
    """What the second file takes above what the process holds after the first."""
    use(small)
    ctypes.CDLL(None).malloc_trim(0)  # what libraries left free would be used again and not be seen
    Path("/proc/self/clear_refs").write_text("5")
    before = status_kb("VmRSS")
    use(large)
    return (status_kb("VmHWM") - before) * 1024


def use(path: Path) -> None:
    """What becomes of a file up to the network."""
    radiograph = read(path)
    default_chain().apply(radiograph.pixels)
    assert radiograph.source.digest != radiograph.pixels_digest


def status_kb(key: str) -> int:
    """A figure of this process, by the kernel."""
    return int(Path("/proc/self/status").read_text(encoding="ascii").split(f"{key}:")[1].split()[0])


def write(folder: Path) -> dict[str, int]:
    """A small and a large file of each format, by the name of the large one its raw bytes."""
    sizes: dict[str, int] = {}
    for kind, side in (("small", SMALL_PX), ("large", LARGE_PX)):
        smooth = cv2.GaussianBlur(np.random.default_rng(0).random((side, side), np.float32), (0, 0), 2.0)
        deep = np.asarray(np.clip((smooth - 0.3) * 2.5, 0, 1) * 4095, np.uint16)
        colour = cv2.cvtColor((deep >> 4).astype(np.uint8), cv2.COLOR_GRAY2BGR)
        for name, pixels in {
            "grey16.png": deep << 4,
            "colour8.png": colour,
            "grey16.tif": deep << 4,
            "grey8.jpg": colour[:, :, 0].copy(),
            "grey8.bmp": colour[:, :, 0].copy(),
        }.items():
            (folder / f"{kind}-{name}").write_bytes(cv2.imencode(Path(name).suffix, pixels)[1].tobytes())
            sizes[name] = pixels.nbytes
        plain = dicom(deep)
        for name, syntax in {
            "uncompressed.dcm": None, "rle.dcm": RLELossless, "jpeg-ls.dcm": JPEGLSLossless,
            "jpeg2000.dcm": JPEG2000Lossless,
        }.items():  # fmt: skip
            (folder / f"{kind}-{name}").write_bytes(compressed(plain, syntax))
            sizes[name] = deep.nbytes
    return sizes


def dicom(pixels: NDArray[np.uint16]) -> bytes:
    """The pixels in the header of a real CR object."""
    ds = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.Modality, ds.PixelRepresentation, ds.BitsStored, ds.HighBit = "CR", 0, 12, 11
    ds.Rows, ds.Columns = pixels.shape
    ds.pop("PixelPaddingValue", None)
    ds.PixelData = pixels.tobytes()
    stream = BytesIO()
    ds.save_as(stream)
    return stream.getvalue()


def compressed(body: bytes, syntax: str | None) -> bytes:
    """The same object in another transfer syntax."""
    if syntax is None:
        return body
    ds = pydicom.dcmread(BytesIO(body))
    ds.compress(syntax, generate_instance_uid=False)
    stream = BytesIO()
    ds.save_as(stream)
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main())
