"""The control loop: reconciles one route at a time with the broker and the API server, and scales its lanes."""
