"""How throughput grows with replicas: measured points, the laws that could explain them, and what follows.

Needs scipy for the fits; nothing here sends load.
"""
