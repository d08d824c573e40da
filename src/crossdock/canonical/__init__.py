"""The words that every part speaks: entities, events and the error tree; standard library only."""
