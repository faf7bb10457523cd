"""Which engine, precision, threads and streams are best on this machine: `carpal tune`."""
