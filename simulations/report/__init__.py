"""What people look at: the page, its pictures, comparisons, exports."""
