"""Brings the documentation up to date: `python -m scripts.pages [PAGE …]`, then read the diff.

Tables are made from the data that they show. The commands of a page are run in their order, as one
session in a fresh folder, and what they say is written below them. In a page,

- a fence `bash` is run; `bash server` is a server, which runs until the page ends;
- a fence `console` is run too, each line after `$ `, and shows what was said;
- a fence `bash elsewhere` needs what is not here, such as a cloud's own program: it is not run.

A page that says `<!-- in a checkout -->` is run in a copy of this repository.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from .fences import ROOT, pages
from .session import place, transcribed
from .tables import tabled


def main() -> None:
    parser = argparse.ArgumentParser("python -m scripts.pages")
    parser.add_argument("page", nargs="*", type=Path, help="all of them, unless some are named")
    for path in [path.resolve() for path in parser.parse_args().page] or pages():
        before = path.read_text("utf-8")
        page = tabled(before)
        with tempfile.TemporaryDirectory() as folder:
            where = place(Path(folder), page, str(Path(sys.executable).parent), os.environ)
            page = transcribed(page, where)
        path.write_text(page, "utf-8")
        print(f"{path.relative_to(ROOT)}: {'as it was' if page == before else 'changed'}")


if __name__ == "__main__":
    main()
