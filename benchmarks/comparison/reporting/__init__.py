"""From windows to a page: medians and ratios, goals, tables and the plot."""
