"""Grade one submission (`one`) or many (`many`), set up a run (`setup`), and check the machine (`doctor`)."""
