"""How two texts relate: normalised text, shingles, alignment, and the rule that decides."""
