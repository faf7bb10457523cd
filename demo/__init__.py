"""The whole loop of carpal in one command, `make demo`: every stage is a `carpal` command that you can run yourself."""
