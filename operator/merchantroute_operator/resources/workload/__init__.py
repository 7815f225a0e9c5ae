"""A lane's Deployment and its pod template."""
