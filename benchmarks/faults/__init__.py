"""Fault injection, a file a fault: something around a worker breaks under load, and every order is accounted for."""
