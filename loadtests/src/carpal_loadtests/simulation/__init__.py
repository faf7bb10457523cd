"""A service under load and its autoscaler, without either: what would happen, and which settings are best.

Everything here is simulated, and every document says so.
"""
