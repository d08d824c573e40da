"""ANSI X12: interchanges of groups of transaction sets. Not affiliated with X12."""
