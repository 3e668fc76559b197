"""Speed, measured beside a baseline: one file per figure, run with `python -m bench P1 P2`."""
