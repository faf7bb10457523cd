"""How many replicas a rate and an objective need, by queueing theory; nothing here sends load."""
