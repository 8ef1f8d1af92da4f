"""The commands: each file translates one group of command lines into calls, and nothing else."""
