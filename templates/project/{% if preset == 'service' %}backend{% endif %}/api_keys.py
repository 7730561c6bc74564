"""The clients' API keys: only their digests are configured.

`python -m backend.api_keys ID` makes a key.
"""

import hashlib
import hmac
import re
import secrets
import sys
from collections.abc import Iterable

ID = r"[\w.-]+"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """Tells whose key a request carries.

    Args:
        entries: `id:sha256-hex`; several at once, also of one id, so that keys can be rotated.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._digests = [entry.split(":") for entry in entries]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def owner(self, authorization: str | None) -> str | None:
        """Returns the id of the key in an `Authorization: Bearer …` header, if it is one of ours.

        Every digest is compared, each in constant time.
        """
        scheme, _, key = (authorization or "").partition(" ")
        given = digest(key.strip())
        owner = None
        for key_id, known in self._digests:
            if hmac.compare_digest(given, known) and scheme.lower() == "bearer":
                owner = key_id
        return owner


def main() -> None:
    if len(sys.argv) != 2 or not re.fullmatch(ID, sys.argv[1]):
        sys.exit("usage: python -m backend.api_keys ID  (of letters, digits, `.`, `_`, `-`)")
    key = secrets.token_urlsafe(32)
    print(f"give to the client:  {key}")
    print(f"add to API_KEYS:     {sys.argv[1]}:{digest(key)}")


if __name__ == "__main__":
    main()
