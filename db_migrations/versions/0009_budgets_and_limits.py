"""how long a search has run, what ended it, and how long a trial and its agent have been at it"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("ran", sa.Double, nullable=False, server_default="0"),
        sa.Column("ran_since", sa.Double),
        sa.Column("deadline", sa.Double),
        sa.Column("over", sa.Text),
    ):
        op.add_column("searches", column)
    # What an earlier version did not write down: of a search that runs, the time since it began.
    op.execute("UPDATE searches SET ran_since = started WHERE started IS NOT NULL AND switch = 'active'")
    op.execute("UPDATE searches SET ran = ended - started WHERE ended IS NOT NULL AND started IS NOT NULL")
    op.execute("UPDATE searches SET ran_since = NULL WHERE ended IS NOT NULL")
    op.add_column("trials", sa.Column("trained", sa.Double))
    op.add_column("agents", sa.Column("epoch_since", sa.Double))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
