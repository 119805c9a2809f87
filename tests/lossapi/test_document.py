"""Docstrings are read into sections."""

from lossapi.document import read_document


def documented() -> None:
    """One sentence.

    More of it,
    on two lines.

    Formula:
        a = b
          + c
    Convention: in the line itself
        and on
    Source:
        A. Author, A title, 1999,
        https://example.org/a
        B. Author, Another, 2001
    Example:
        {"prediction": [1.0, null]} → [0.5, 2]
    """


def test_prose_and_sections_are_told_apart() -> None:
    document = read_document(documented)
    assert document.summary == "One sentence."
    assert document.description == "More of it,\non two lines."
    assert document.sections["Formula"].split("\n")[0] == "a = b"
    assert document.sections["Convention"] == "in the line itself\nand on"
    assert "Units" not in document.sections


def test_a_link_on_a_line_of_its_own_belongs_to_its_source() -> None:
    sources = ["A. Author, A title, 1999, https://example.org/a", "B. Author, Another, 2001"]
    assert read_document(documented).sources == sources


def test_the_example_is_a_request_and_its_value() -> None:
    assert read_document(documented).example == ({"prediction": [1.0, None]}, [0.5, 2])


def test_nothing_said_is_nothing_read() -> None:
    document = read_document(lambda: None)
    assert (document.summary, document.description, dict(document.sections)) == ("", "", {})
