"""What crosses a process boundary: message types, who owns and receives them, error codes.

Frozen dataclasses and constants only. Nothing here imports a library or behaves.
"""
