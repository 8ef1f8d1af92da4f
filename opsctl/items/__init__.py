"""The kinds of checklist items: one file each; `item_kinds.py` names them, and says what each is."""
