"""Where the limits of a service are: the highest rate that keeps its objectives, what is beyond, what time does."""
