"""rockbottom: the lowest honest bill for Amazon Bedrock."""

__version__ = "0.1.0"
