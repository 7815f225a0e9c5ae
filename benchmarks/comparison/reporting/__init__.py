"""From windows to a page: medians and ratios, goals, tables, the plot. Pure but for the files."""
