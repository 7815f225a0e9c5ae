"""What merchants in trouble cost the others: this project beside what a team would have instead, on a real broker."""
