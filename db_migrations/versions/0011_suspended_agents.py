"""how many trials in a row have failed on an agent, and whether it is given more"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agents", sa.Column("streak", sa.Integer, nullable=False, server_default="0"))
    op.add_column("agents", sa.Column("suspended", sa.Text))
    op.add_column("agents", sa.Column("trusted", sa.Double))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
