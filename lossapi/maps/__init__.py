"""Maps that several definitions read: the sums or counts that a family of losses or metrics shares."""
