"""The ConfigMaps and Secrets from which worker pods read their configuration."""
