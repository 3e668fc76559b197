"""Named queries of capture."""

from services.capture.store import forms, intake, leads, owners, quarantine
from services.capture.tables import metadata

__all__ = ["forms", "intake", "leads", "metadata", "owners", "quarantine"]
