"""Run opsctl as `python -m opsctl`."""

from opsctl.cli import run

if __name__ == "__main__":
    run()
