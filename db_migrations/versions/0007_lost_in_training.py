"""of a lost agent it is known which trial it trained, and of a loss what caused it"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("cause", sa.String(8)),
        sa.Column("branch", sa.Integer),
        sa.Column("step", sa.BigInteger),
        sa.Column("trained", sa.Double),
        sa.Column("lived", sa.Double),
    ):
        op.add_column("attempts", column)
    op.add_column("agents", sa.Column("training", sa.String(32)))
    op.add_column("agents", sa.Column("training_since", sa.Double))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
