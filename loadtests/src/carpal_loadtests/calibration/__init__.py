"""The instrument against what is known: a server that does as it is told and writes down what it did."""
