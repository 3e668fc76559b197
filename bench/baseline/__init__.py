"""What the figures are compared with: the same work, written the way its tools' manuals teach."""
