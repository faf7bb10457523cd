"""``carpal train tune``: which settings of a recipe train best."""
