"""Conversations, their turns, and what is said in each."""

import sqlalchemy as sa
from alembic import op

revision = "history_1"
down_revision = None
branch_labels = ("history",)  # each feature's own; your revisions have theirs
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("number", SERIAL, primary_key=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_conversations"),
        sa.UniqueConstraint("owner", "id", name="uq_conversations_owner_id"),
        sa.Index("ix_conversations_owner_updated_at_number", "owner", "updated_at", "number"),
        sa.Index("ix_conversations_updated_at", "updated_at"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turns",
        sa.Column("number", SERIAL, primary_key=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation", SERIAL),
        sa.Column("previous", SERIAL),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("response", sa.JSON()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_turns"),
        sa.UniqueConstraint("id", name="uq_turns_id"),
        sa.ForeignKeyConstraint(
            ["conversation"],
            ["conversations.number"],
            name="fk_turns_conversation",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["previous"], ["turns.number"], name="fk_turns_previous", ondelete="SET NULL"
        ),
        sa.Index("ix_turns_conversation_number", "conversation", "number"),
        sa.Index("ix_turns_owner_number", "owner", "number"),
        sa.Index("ix_turns_previous", "previous"),
        sa.Index("ix_turns_created_at", "created_at"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "items",
        sa.Column("number", SERIAL, primary_key=True),
        sa.Column("turn", SERIAL, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("is_answer", sa.Boolean(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_items"),
        sa.ForeignKeyConstraint(
            ["turn"], ["turns.number"], name="fk_items_turn", ondelete="CASCADE"
        ),
        sa.Index("ix_items_turn_number", "turn", "number"),
        sa.Index("ix_items_id", "id"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("items")
    op.drop_table("turns")
    op.drop_table("conversations")
