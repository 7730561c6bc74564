"""The index of the user's repository, while nobody else changes it."""

import contextlib
import time
from collections.abc import Iterator

from genai_scaffold.merge.place import Place, another_git

LOCK_SECONDS, LOOKS = 5.0, 50  # how long another git is waited for, and how often it is looked for


@contextlib.contextmanager
def locked_index(here: Place) -> Iterator[None]:
    """Keep git out of the index, as git itself does."""
    for _ in range(LOOKS):
        with contextlib.suppress(FileExistsError):
            here.lock.touch(exist_ok=False)
            break
        # An editor asks git for what is changed whenever a file is.
        time.sleep(LOCK_SECONDS / LOOKS)
    else:
        raise another_git(here)
    try:
        yield
    finally:
        here.lock.unlink(missing_ok=True)
