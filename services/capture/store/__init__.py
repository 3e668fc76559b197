"""Named queries of capture."""

from services.capture.store import cards, changes, contacts, forms, imports, intake, leads, owners, quarantine
from services.capture.tables import metadata

__all__ = ["cards", "changes", "contacts", "forms", "imports", "intake", "leads", "metadata", "owners", "quarantine"]
