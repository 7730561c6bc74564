"""What an operator does with documents: `python -m backend.documents --help`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from backend.ai.documents.cache import Indexes
from backend.ai.documents.library import Documents
from backend.ai.documents.reading import KINDS
from backend.ai.documents.tables import File
from backend.ai.metering import Meter
from backend.ai.model import Model
from backend.ai.provider import Provider, create_provider
from backend.database import Database, Session, transaction
from backend.errors import AppError, InvalidRequest
from backend.limits import Limits
from backend.logs import configure_logging
from backend.migrate import migrate
from backend.settings import Settings, load_settings

ENDLESS = 10**15  # tokens: an operator is not held to a client's limits
BAR = 30
CLEAR = "\r\033[K"  # the line of a terminal


class Operator:
    """Does for each owner what the owner's own requests would do."""

    def __init__(self, database: Database, settings: Settings, provider: Provider) -> None:
        self.database = database
        limits = settings.model_copy(update={"tokens_per_day": ENDLESS, "redis_url": None})
        self._meter = Meter(provider, Limits(limits))
        self._settings = settings

    def documents(self, owner: str) -> Documents:
        model = Model(self._meter, self._settings, owner)
        return Documents(self.database, Indexes(0), self._settings, model, owner)

    @transaction
    async def owners(self, session: Session) -> list[str]:
        return list(await session.scalars(select(File.owner).distinct().order_by(File.owner)))

    async def add(self, folder: Path, owner: str) -> int:
        """Adds the files of a folder; returns how many were refused."""
        paths = documents_in(folder)
        documents = self.documents(owner)
        refused = 0
        for done, path in enumerate(paths):
            show(done, len(paths), path.name)
            try:
                await documents.add(path.name, path.read_bytes())
            except (InvalidRequest, OSError) as error:
                refused += 1
                reason = error.message if isinstance(error, InvalidRequest) else error.strerror
                sys.stderr.write(f"{CLEAR * tty()}{visible(path)}: {reason}\n")
        show(len(paths), len(paths), "")
        print(f"{len(paths) - refused} files of {owner} can be searched")
        return refused

    async def renew(self) -> None:
        """Embeds anew what was embedded by another model."""
        for owner in await self.owners():

            def tell(done: int, count: int, owner: str = owner) -> None:
                show(done, count, owner)

            print(f"{owner}: {await self.documents(owner).renew(tell)} files embedded anew")


def documents_in(folder: Path) -> list[Path]:
    kinds = {*KINDS, ".pdf"}
    found = (path for path in folder.rglob("*") if path.suffix.lower() in kinds)
    return sorted(path for path in found if path.is_file())


def visible(name: object) -> str:
    """Returns a name without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(name))


def tty() -> bool:
    return sys.stderr.isatty()


def show(done: int, count: int, name: str) -> None:
    """Shows on a terminal how far it is."""
    if tty() and count:
        full = BAR * done // count
        bar = "#" * full + "." * (BAR - full)
        end = "\n" * (done == count)
        sys.stderr.write(f"{CLEAR}[{bar}] {done}/{count} {visible(name)[:40]}{end}")
        sys.stderr.flush()


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m backend.documents")
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="add all files of a folder; goes on where it was cut off")
    add.add_argument("folder", type=Path)
    add.add_argument("--owner", help="the id of the API key, or the address, whose they are")
    commands.add_parser("renew", help="embed anew what another model has embedded")
    return parser.parse_args(arguments)


def owner_of(settings: Settings, given: str | None) -> str:
    keys = [key.partition(":")[0] for key in settings.api_keys] or ["127.0.0.1"]
    if given is None and len(keys) > 1:
        raise SystemExit(f"--owner: say whose the files are, of {', '.join(keys)}")
    return given or keys[0]


async def run(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    configure_logging("WARNING")  # a line for each call would tear the bar
    migrate(settings.database)
    database = Database(settings.database)
    operator = Operator(database, settings, create_provider(settings))
    try:
        if arguments.command == "renew":
            await operator.renew()
            return 0
        if not arguments.folder.is_dir():
            raise SystemExit(f"{arguments.folder} is no folder")
        return 1 if await operator.add(arguments.folder, owner_of(settings, arguments.owner)) else 0
    except AppError as error:
        raise SystemExit(f"{error.message}; begin again, and it goes on from here") from None
    finally:
        await database.close()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(run(parsed())))
