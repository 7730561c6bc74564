"""Reads a PDF from stdin, and writes its pages' texts to stdout as JSON, within bounds."""

import json
import logging
import sys
from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import LimitReachedError, PyPdfError

MOST_PAGES = 1_000
MOST_CHARACTERS = 10_000_000
MOST_MEMORY = 1_000_000_000
MOST_SECONDS = 50  # of the processor's time

Said = dict[str, str] | dict[str, list[str]]


def bound() -> None:
    """Has the system end this process where it takes too much."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


def pages(content: bytes) -> Said:
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted:
            return {"refused": "is a PDF that is encrypted"}
        if len(reader.pages) > MOST_PAGES:
            return {"refused": f"is a PDF of more than {MOST_PAGES} pages"}
        found, size = [], 0
        for page in reader.pages:
            text = page.extract_text().replace("\0", "").encode(errors="replace").decode()
            found.append(text)
            size += len(text)
            if size > MOST_CHARACTERS:
                return {"refused": f"is a PDF of more than {MOST_CHARACTERS:,} characters"}
    except (MemoryError, RecursionError):
        return {"refused": "is a PDF that takes too much memory to read"}
    except LimitReachedError:
        return {"refused": "is a PDF that is too large unpacked"}
    except PyPdfError:
        return {"refused": "is a PDF that is damaged"}
    except Exception:  # of what is damaged anything may come
        return {"refused": "is a PDF that cannot be read"}
    return {"pages": found}


if __name__ == "__main__":
    bound()
    logging.disable()
    json.dump(pages(sys.stdin.buffer.read()), sys.stdout)
