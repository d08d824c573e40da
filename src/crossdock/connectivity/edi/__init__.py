"""EDI: X12 and EDIFACT read, checked, acknowledged and written. Pure; bytes come from outside."""
