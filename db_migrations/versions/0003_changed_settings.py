"""what was changed on the way of a trial"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trials", sa.Column("changed", sa.Text()))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
