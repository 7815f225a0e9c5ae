"""Which addresses calls may go to: kinds of addresses, and a route's rules about them, pure."""
