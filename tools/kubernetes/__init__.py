"""`python -m tools.kubernetes`: what deploy/k8s amounts to, and whether it holds together; needs no cluster."""
