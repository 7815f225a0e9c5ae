"""The environment of a fault: a virtual host, mounted files, merchants, pods that are restarted, and a producer."""
