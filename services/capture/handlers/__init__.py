"""Use cases of capture, a function each: `(transaction, …)` when it changes something, else `(connection, …)`.

actor: who asks. What they may not see does not exist for them.
"""
