"""The KServe runtime of carpal: transports, then a scheduler, then ``carpal.detection``."""
