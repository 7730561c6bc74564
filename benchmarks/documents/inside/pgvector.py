"""Times pgvector's exact scan over what `filled.py` has filled: prints the milliseconds of each."""

import struct
import time

import numpy as np
import psycopg
from backend.settings import load_settings

SEARCHES = 100
NEAREST = 10
COPIED = "copy exact from stdin (format binary)"
SOUGHT = "select number from exact order by vector <=> %s::vector limit %s"


def main() -> None:
    database = load_settings().database.set(drivername="postgresql")
    url = database.render_as_string(hide_password=False)
    with psycopg.connect(url) as connection, psycopg.connect(url) as reading:
        connection.execute("create extension if not exists vector")
        connection.execute("drop table if exists exact")
        [size] = connection.execute("select size from passages limit 1").fetchone() or ()
        connection.execute(f"create table exact (number bigint, vector vector({int(size)}))")
        with (
            reading.cursor("kept") as kept,
            connection.cursor() as cursor,
            cursor.copy(COPIED) as copy,
        ):
            copy.set_types(["int8", "bytea"])  # a vector in binary is bytes of another kind
            kept.execute("select number, vector from passages")
            for number, vector in kept:
                copy.write_row((number, in_binary(vector)))
        connection.commit()
        connection.execute("analyze exact")
        sought = str(np.random.default_rng(2).standard_normal(size).tolist())
        for _ in range(SEARCHES):
            start = time.perf_counter()
            connection.execute(SOUGHT, (sought, NEAREST)).fetchall()
            print(1000 * (time.perf_counter() - start))


def in_binary(vector: bytes) -> bytes:
    numbers = np.frombuffer(vector, np.float32).astype(">f4")
    return struct.pack(">HH", len(numbers), 0) + numbers.tobytes()


if __name__ == "__main__":
    main()
