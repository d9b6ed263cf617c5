"""The whole line: the stages in their order, and the receipt of what they did."""
