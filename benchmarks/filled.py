"""A database with many chats, each of 100 turns."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

TURNS = 100
FIRST = "chat_1"
CONVERSATIONS = """
with recursive counted(number) as (select 1 union all select number + 1 from counted limit :chats)
insert into conversations (number, owner, id, notes, created_at, updated_at)
select number, 'bench', 'chat_' || number, '{"title": "Orders"}', :now, :now from counted
"""
TURNS_OF_ALL = """
with recursive counted(number) as (select 1 union all select number + 1 from counted limit :turns)
insert into turns (number, owner, id, conversation, is_open, created_at)
select number, 'bench', 'turn_' || number, (number - 1) / 100 + 1, false, :now from counted
"""
ITEMS = """
insert into items (turn, id, is_answer, body)
select number, role || number, role = 'assistant', json_object(
    'id', role || number, 'role', role,
    'parts', json_array(json_object('type', 'text', 'text', :text, 'state', 'done')))
from turns, (select 'user' as role union all select 'assistant') order by number, role desc
"""


def fill(database: Path, chats: int) -> None:
    values = {
        "chats": chats,
        "turns": chats * TURNS,
        "now": int(time.time()),
        "text": "Where are my orders, and when do they arrive? " * 4,
    }
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in (CONVERSATIONS, TURNS_OF_ALL, ITEMS):
            connection.execute(statement, values)
