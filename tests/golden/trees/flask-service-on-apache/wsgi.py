"""What mod_wsgi loads; deploy/apache.conf names this file."""

import os

import mod_wsgi  # type: ignore[import-not-found]

# Lets backend/settings.py see how many processes there are; it is read as soon as `app` is.
os.environ["WEB_CONCURRENCY"] = str(mod_wsgi.maximum_processes)

from app import app as application

__all__ = ["application"]
