"""rockbottom in programs that take it by their own configuration."""
