"""What training and evaluation look at: a dataset in one form, its split by patient, its prepared pixels."""
