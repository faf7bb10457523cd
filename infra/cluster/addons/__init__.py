"""What is installed on a bare cluster, a module each; infra/cluster/catalogue.py says which belong together."""
