"""What the operator remembers of merchants' own queues: what was decided, and how far broker and pods are with it."""
