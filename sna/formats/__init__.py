"""File formats: recognised by content, read in chunks, turned into sightings by one SQL statement per shape."""
