"""which results the proposal of a trial did not know, of a search that is not repeatable"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trials", sa.Column("unseen", sa.Text))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
