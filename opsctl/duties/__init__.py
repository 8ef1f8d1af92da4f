"""The kinds of steps that routines have, one file each; see duty_kinds.py."""
