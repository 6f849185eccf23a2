"""One submission, many, the set-up of a run, and whether this machine is fit for it."""
