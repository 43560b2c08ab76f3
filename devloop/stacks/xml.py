"""XML without document types, whose entities could grow without end."""

from __future__ import annotations

from xml.etree import ElementTree as ET
from xml.parsers.expat import ExpatError, ParserCreate

from devloop.stacks.base import ManifestError


def parse_xml(content: bytes) -> ET.Element:
    """Parse XML into its root element; ``ManifestError`` if it is none."""
    parser = ParserCreate()
    builder = ET.TreeBuilder()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(content, True)
        return builder.close()
    except ExpatError as error:
        reason = str(error).partition(":")[0]
        raise ManifestError(f"not valid XML: {reason}", error.lineno, error.offset + 1) from None
    except (ValueError, LookupError, AssertionError) as error:
        raise ManifestError(f"not valid XML: {error}") from None


def _no_doctype(*_: object) -> None:
    raise ManifestError("a document type is not read", 1, 1)
