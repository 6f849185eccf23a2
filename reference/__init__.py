"""The solved lab. Students get the finished files as they are, and the scripts with tasks in place of solutions."""
