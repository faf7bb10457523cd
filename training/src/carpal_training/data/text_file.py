"""Text files of other people: one place for encodings, byte-order marks and XML declarations."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from xml.etree import ElementTree

# PowerShell writes UTF-16 with a mark, Notepad UTF-8 with one. The longer mark of UTF-32 begins like that of UTF-16.
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["'][^>]*\?>""")


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte-order mark, or in UTF-16 with one.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is in another encoding.
    """
    return decode_text(path.read_bytes())


def decode_text(body: bytes) -> str:
    """The text of bytes as ``read_text`` takes them.

    Raises:
        UnicodeDecodeError: they are in another encoding.
    """
    encoding = next((name for mark, name in _MARKS.items() if body.startswith(mark)), "utf-8")
    return body.decode(encoding)


def read_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file, in any encoding that it declares and Python knows. External entities are not expanded.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not XML, or not in the encoding that it declares.
    """
    body = path.read_bytes()
    declared = _DECLARED.match(body)
    try:
        if declared:  # expat knows few encodings, and none of several bytes such as GBK
            return ElementTree.fromstring(body[declared.end() :].decode(declared[1].decode()))
        return ElementTree.fromstring(body)
    except (ElementTree.ParseError, LookupError) as failure:
        raise ValueError(str(failure)) from failure
