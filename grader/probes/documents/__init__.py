"""Reads what students write, without running it: scripts, notebooks, reports, histories."""
