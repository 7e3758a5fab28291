"""Reads texts with spaCy: language, entities, key phrases, calls to action, as spans with the rule's name."""
