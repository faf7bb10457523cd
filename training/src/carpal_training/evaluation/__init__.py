"""What the figures are worth: f_evaluate, by the path that serves."""
