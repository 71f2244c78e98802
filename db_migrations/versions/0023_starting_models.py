"""models that the trials of a search start from"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "starting_models",
        sa.Column(
            "search_id", sa.Integer, sa.ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("trial", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
    )
    op.create_index("starting_models_digest", "starting_models", ["digest"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
