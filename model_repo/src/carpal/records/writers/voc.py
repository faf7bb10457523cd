"""Pascal VOC: an XML file an image, in the form of GRAZPEDWRI-DX: xmax before xmin, whole pixels from 0.

The dataset leaves ``<size>`` and ``<folder>`` empty; the size is filled in here, because most readers need it.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from carpal.records.record import Record


def voc_annotation(record: Record, path: Path) -> bytes:
    """The annotation of one image.

    Args:
        record: its findings; confirmed and possible ones alike.
        path: the image, whose name is written.
    """
    root = Element("annotation")
    SubElement(root, "folder")
    SubElement(root, "filename").text = _legal(path.name)
    SubElement(SubElement(root, "source"), "database").text = f"carpal {record.model.name}:{record.model.version}"
    size = SubElement(root, "size")
    for tag, value in (("width", record.source.width_px), ("height", record.source.height_px), ("depth", 1)):
        SubElement(size, tag).text = str(value)
    for finding in record.findings:
        thing = SubElement(root, "object")
        SubElement(thing, "name").text = _legal(finding.label)
        bounds, box = SubElement(thing, "bndbox"), finding.box
        for tag, edge in (("xmax", box.x1), ("xmin", box.x0), ("ymax", box.y1), ("ymin", box.y0)):
            SubElement(bounds, tag).text = str(round(edge))
    indent(root)
    return (tostring(root, encoding="unicode") + "\n").encode()


def _legal(text: str) -> str:
    """XML 1.0 has no place for control characters, lone surrogates, U+FFFE and U+FFFF, not even escaped."""
    return "".join(letter if _is_legal(letter) else "\ufffd" for letter in text)


def _is_legal(letter: str) -> bool:
    return letter in "\t\n\r" or (letter >= " " and not "\ud800" <= letter <= "\udfff" and letter not in "\ufffe\uffff")
