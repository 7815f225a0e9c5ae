"""How far each tier's canary is: pure, one step of a state machine at a time, its state kept in the route's status."""
