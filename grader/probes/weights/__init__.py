"""Reading checkpoints without running what is in them, and evaluating the networks they hold."""
