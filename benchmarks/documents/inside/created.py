"""Makes an empty database: `created.py URL NAME`."""

import sys

import psycopg

url, name = sys.argv[1:]
with psycopg.connect(url, autocommit=True) as connection:
    connection.execute(f"drop database if exists {name}")
    connection.execute(f"create database {name}")
