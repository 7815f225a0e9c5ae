"""What a fault is played in: a virtual host, mounted files, merchants, pods that are restarted, and a producer."""
