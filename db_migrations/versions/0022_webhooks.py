"""webhooks, and what they have been told of each search"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _of(table: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{table}.id", ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(8), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("style", sa.String(5), nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("project", sa.Text),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("who", sa.String(200)),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("sent", sa.Double),
        sa.Column("problem", sa.Text),
    )
    op.create_table(
        "webhook_news",
        sa.Column(
            "webhook", sa.String(8), sa.ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column(
            "search_id", sa.Integer, sa.ForeignKey("searches.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("best", sa.Double),
        sa.Column("waiting", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due", sa.Double, nullable=False),
    )
    waiting = sa.text("waiting IS NOT NULL")
    op.create_index(
        "webhook_news_due", "webhook_news", ["due"], sqlite_where=waiting, postgresql_where=waiting
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
