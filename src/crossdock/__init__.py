"""Crossdock keeps stock, orders and procurement in step across every system of a distributor."""
