"""Speed, memory and accuracy, as ratios against a named peer in one run."""
