"""What the scaler's tick looks at for each route: one observer a file, each may ask for a reconcile."""
