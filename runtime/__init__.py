"""Plumbing without one business word: database, outbox, inbox, bus, supervision."""
