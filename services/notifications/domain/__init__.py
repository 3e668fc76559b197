"""Pure rules of notifications: who is told on which channel, in which words, and when a send is tried again."""
