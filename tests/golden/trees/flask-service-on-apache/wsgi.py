"""What mod_wsgi loads; deploy/apache.conf names this file."""

from app import app as application

__all__ = ["application"]
