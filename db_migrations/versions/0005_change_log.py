"""the changes behind a trial are called its change log"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE trials RENAME COLUMN line TO change_log")


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
