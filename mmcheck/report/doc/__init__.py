"""Static pages about specifications: functions from results to HTML. They write no files and need no network."""
