"""Reports: functions from results to text. They print nothing and write no files."""
