"""What the evidence for `tenure check` is made of: real code to run on, labels, stripped copies, random programs."""
