"""From corpora to an archive: readers, datasets, the loop. Never imported by the service."""
