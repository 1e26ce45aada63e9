"""The ground: files and the gate they pass, text with places, errors, records, settings, the cache's store."""
