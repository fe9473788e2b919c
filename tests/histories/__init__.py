"""Random concurrent histories with real processes, held against some one-at-a-time order of the reference model."""
