"""opsctl makes a team's operations practice executable, and keeps the proof."""

__version__ = "0.1.0"
