"""The steps that a chain can have, one family a module; each is a frozen document with a name."""
