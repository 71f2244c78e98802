"""tags by hand of rows of data sets, and the right labels of those whose label is wrong"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "row_tags",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("data", sa.String(120), nullable=False),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("tag", sa.String(100), nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_index("row_tags_row", "row_tags", ["data", "row", "tag"], unique=True)


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
