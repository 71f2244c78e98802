"""the device on which each agent trains"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agents", sa.Column("device", sa.String(64)))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
