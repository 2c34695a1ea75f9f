"""All that is known of an article or a relation in one archive, to be checked by others."""
