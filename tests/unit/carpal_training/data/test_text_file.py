"""Text files in the encodings that editors and shells write."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_training.data.text_file import decode_text, read_text, read_xml

TEXT = "0 0.5 0.5 0.25 0.25\n1 Überfraktur\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_mark_says_the_encoding_and_is_no_text(tmp_path: Path, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    (tmp_path / "a.txt").write_bytes(mark + TEXT.encode(encoding))
    assert read_text(tmp_path / "a.txt") == TEXT


def test_another_encoding_is_refused_without_its_text() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        decode_text(b"secret \xff")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["GBK", "gb2312", "Shift_JIS", "UTF-8", "ISO-8859-1", "utf-16"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_xml_is_read_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str, quote: str) -> None:
    name = {"ISO-8859-1": "Überbein"}.get(encoding, "骨折")
    text = f"<?xml version={quote}1.0{quote} encoding={quote}{encoding}{quote}?>\n<a><name>{name}</name></a>"
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    assert read_xml(tmp_path / "a.xml").findtext("name") == name


def test_xml_without_a_declaration_is_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        (tmp_path / "a.xml").write_bytes(mark + "<a><name>骨折</name></a>".encode())
        assert read_xml(tmp_path / "a.xml").findtext("name") == "骨折"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        '<?xml version="1.0" encoding="GBK"?><a>\u00ff</a>'.encode("latin-1"),
        b"\x89PNG",
    ],
)
def test_what_is_no_xml_is_a_value_error(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.xml").write_bytes(body)
    with pytest.raises(ValueError):
        read_xml(tmp_path / "a.xml")
