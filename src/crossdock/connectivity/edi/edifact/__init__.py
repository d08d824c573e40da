"""EDIFACT interchanges read, checked, acknowledged and written."""
