"""A real Kubernetes on this machine, from nothing: `make cluster`. The command line is `python -m infra.cluster`."""
