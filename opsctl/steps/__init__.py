"""The kinds of runbook steps: one file each; `step_kinds.py` names them, and says what each is."""
