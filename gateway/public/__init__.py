"""What anybody may call: forms."""
