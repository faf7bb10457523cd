"""How a service scales, on one page: runs, laws, plans and simulations together, for people and for machines."""
