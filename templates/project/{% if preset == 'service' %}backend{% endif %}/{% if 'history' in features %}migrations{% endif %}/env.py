"""What Alembic runs, which imports it from no package."""

from alembic import context
from sqlalchemy import create_engine, text

from backend.api import routers  # noqa: F401 - and with them the tables of your features
from backend.database_settings import DatabaseSettings
from backend.engine import options
from backend.settings import read_settings
from backend.tables import Base

LOCK = 4_707_202_611  # any number, as long as it is the same in every replica

url = context.config.attributes.get("url") or read_settings(DatabaseSettings).database
engine = create_engine(url, **options(url))
# Alembic joins this transaction; one of its own it would end after each of SQLite's migrations.
with engine.begin() as connection:
    is_sqlite = connection.dialect.name == "sqlite"
    # One at a time, and for as long as it takes.
    if is_sqlite:
        connection.exec_driver_sql("pragma busy_timeout = 60000")
        connection.exec_driver_sql("begin immediate")
    else:
        connection.execute(text("set local statement_timeout = 0"))
        connection.execute(text("set local lock_timeout = '60s'"))
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=is_sqlite,
        compare_type=True,
    )
    context.run_migrations()
engine.dispose()
