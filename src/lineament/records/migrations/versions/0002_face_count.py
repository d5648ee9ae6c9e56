"""Faces are counted as they come, not at every search."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table and count what is there."""
    op.create_table(
        "face_count",
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_face_count_collection_id")
        ),
        sa.PrimaryKeyConstraint("contract", "collection_id", name=op.f("pk_face_count")),
    )
    op.execute(
        "INSERT INTO face_count (contract, collection_id, faces) "
        "SELECT contract, collection_id, count(*) FROM template GROUP BY contract, collection_id"
    )
