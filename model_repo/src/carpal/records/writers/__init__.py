"""Writers: each turns a record into one standard form; pure functions of the record and what else they need."""
