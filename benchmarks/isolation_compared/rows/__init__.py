"""From cells to a page: the rows, what is computed between them, tables and pictures."""
