"""Work on Ray, on this machine or on a cluster. No other package imports ray."""
