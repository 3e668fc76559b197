"""Use cases of distribution, a function each: `(transaction, …)` when it changes something, else `(connection, …)`."""
