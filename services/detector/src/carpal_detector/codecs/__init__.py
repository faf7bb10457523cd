"""Pure functions between wire formats and arrays; they know neither transports nor the model."""
