"""The dashboard: static ES modules served beside the API they use."""

from caviar.service.dashboard.site import mount_dashboard

__all__ = ["mount_dashboard"]
