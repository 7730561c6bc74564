"""The proxy on the way to the model, as the environment names it."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import HttpUrl


def proxy_for(url: str) -> str | None:
    """Returns the address of the proxy for a URL, if there is one.

    Raises:
        ValueError: it is none that can be used; the message names the variable.
    """
    address = urlsplit(url)
    if not address.hostname or proxy_bypass(address.netloc):
        return None
    proxies = getproxies()
    for scheme in (address.scheme, "all"):
        if proxy := proxies.get(scheme):
            try:
                found = HttpUrl(proxy if "://" in proxy else f"http://{proxy}")
                (found.host or "").encode("idna")
            except ValueError:  # whose text may hold a password
                raise ValueError(
                    f"{scheme.upper()}_PROXY takes http://host:port or https://host:port; "
                    f"or except the model's host from it: NO_PROXY={address.hostname}"
                ) from None
            return str(found)
    return None
