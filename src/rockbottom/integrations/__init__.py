"""rockbottom in programs that load it by their own configuration, one module for each program."""
