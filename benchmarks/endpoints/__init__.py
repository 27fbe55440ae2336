"""The yardstick for inputs and outputs: labelled graphs, the command that scores them, peers."""
