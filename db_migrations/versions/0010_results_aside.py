"""results that do not count: taken out by a person, or of trials that break a limit"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("withheld", sa.Double),
        sa.Column("broken", sa.Text),
        sa.Column("excluded", sa.Text),
        sa.Column("excluded_by", sa.String(200)),
        sa.Column("excluded_at", sa.Double),
    ):
        op.add_column("trials", column)
    aside = sa.text("withheld IS NOT NULL")
    op.create_index(
        "trials_withheld", "trials", ["search_id", "number"], sqlite_where=aside, postgresql_where=aside
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
