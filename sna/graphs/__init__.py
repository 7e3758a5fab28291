"""What the posts tell: threads, interactions, measures, actors, communities."""
