"""what an agent has for a trial: CPUs, GPUs and others"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agents", sa.Column("slot", sa.Text))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
