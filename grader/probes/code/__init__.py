"""Running a student's functions. Only here does student code run; what these probes return is a claim."""
