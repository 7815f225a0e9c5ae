"""What a user wrote, parsed once into values that nothing below has to check again."""
