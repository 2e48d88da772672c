"""What helps to test a plugin: nothing here yet is needed at run time."""
