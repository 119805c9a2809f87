"""What `make bench` runs: ratios against peers, measured in the same run."""
