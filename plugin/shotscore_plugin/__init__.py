"""Hosts, the bridge to them, the doctor and the command line."""
