"""People who sign in: their accounts, passwords and sessions, and the trail of what they changed."""
