"""Workers on this machine, with what the operator would make for them: broker objects and mounted files."""
